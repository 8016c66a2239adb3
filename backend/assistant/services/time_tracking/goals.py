"""What a day was to bring, and what it brought."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from backend.assistant.models import DailyGoal
from backend.assistant.services import records
from backend.assistant.services.finance.amounts import CENT, MOST, NOTHING, percentage, text
from backend.assistant.services.records import Row, shown
from backend.assistant.services.time_tracking.days import Days, local_day
from backend.assistant.services.time_tracking.report import Sum, hours, sums_by_day
from backend.core.bulk import insert_or_update_rows
from backend.core.session import Session

TARGETS = {"target_hours": Decimal("8.00"), "target_revenue": Decimal("1000.00"), "target_billable_hours": None}
COMPLETE = Decimal(100)
MOST_HOURS = Decimal("99999.99")


def put(session: Session, at: datetime, zone: ZoneInfo, date: date | None = None, **values: Any) -> Row:
    """Set the goal of a day, today unless told otherwise, in place of an earlier one."""
    day = date or local_day(at, zone)
    row = {"date": day, **TARGETS, "notes": None, **values, **_actual(Sum()), "created_at": at.replace(microsecond=0)}
    insert_or_update_rows(session, DailyGoal, ("date",), (*TARGETS, "notes"), [row])
    table = records.table_of(DailyGoal)
    stored = session.execute(select(table).where(table.c.date == day)).mappings().one()
    return _looked_at(session, at, zone, [dict(stored)])[0]


def listed(session: Session, at: datetime, zone: ZoneInfo, limit: int, offset: int) -> Row:
    """Goals, the latest day first, with what was achieved: the mean of both percentages, each at most 100."""
    page = records.newest(session, DailyGoal, "goals", [], limit, offset, by="date")
    table = records.table_of(DailyGoal)
    numbers = [row["id"] for row in page["goals"]]
    rows = session.execute(select(table).where(table.c.id.in_(numbers)).order_by(table.c.date.desc())).mappings()
    return {**page, "goals": _looked_at(session, at, zone, [dict(row) for row in rows])}


def _looked_at(session: Session, at: datetime, zone: ZoneInfo, rows: list[Row]) -> list[Row]:
    """The goals with what their days came to by now, which is kept too."""
    answers = []
    for row in rows:
        came_to = sums_by_day(session, at, Days(row["date"], row["date"], zone)).get(row["date"], Sum())
        actual = _actual(came_to)
        if any(row[name] != value for name, value in actual.items()):
            records.change(session, DailyGoal, row["id"], **actual)
        answers.append({**shown({**row, **actual}), "achievement_percent": text(_achievement(row, came_to))})
    return answers


def _actual(came_to: Sum) -> Row:
    """The figures as they are kept, and no larger than their columns."""
    return {
        "actual_hours": min(came_to.hours, MOST_HOURS),
        "actual_billable_hours": min(hours(came_to.billable_seconds), MOST_HOURS),
        "actual_revenue": min(came_to.revenue, MOST),
    }


def _achievement(row: Row, came_to: Sum) -> Decimal:
    worked = Decimal(came_to.seconds) / 3600
    parts = [
        min(percentage(reached, target), COMPLETE) if target else COMPLETE
        for reached, target in ((worked, row["target_hours"]), (came_to.revenue, row["target_revenue"]))
    ]
    return (sum(parts, NOTHING) / 2).quantize(CENT)
