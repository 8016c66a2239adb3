"""How many clients there are, day by day."""

from datetime import date

from sqlalchemy import func, select

from backend.core.rows import insert_or_update_row
from backend.core.session import Session
from backend.spot.models import Client, ClientsDailySnapshot

COLUMNS = ("total_clients", "new_clients_today", "active_clients")


def take_snapshot(session: Session, today: date) -> int:
    """Write the number of clients as today's, and return it.

    New are those above the newest earlier day's number, so it does not matter how often a day is written. After
    deletions that is a negative number; without an earlier day all are new.
    """
    total = session.execute(select(func.count()).select_from(Client)).scalar_one()
    previous = session.execute(
        select(ClientsDailySnapshot.total_clients)
        .where(ClientsDailySnapshot.snapshot_date < today)
        .order_by(ClientsDailySnapshot.snapshot_date.desc())
        .limit(1)
    ).scalar()
    numbers = (total, total - (previous or 0), total)
    insert_or_update_row(
        session, ClientsDailySnapshot, COLUMNS, snapshot_date=today, **dict(zip(COLUMNS, numbers, strict=True))
    )
    return total
