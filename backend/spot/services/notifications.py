"""What clients have been told, and whether they have read it."""

from typing import Any

from sqlalchemy import bindparam, or_, select, update

from backend.core.database_errors import StatementRefusedError
from backend.core.prepared import Prepared
from backend.core.rows import update_matching
from backend.core.session import Session
from backend.core.strict_types import Operand
from backend.spot.models import Notification

MOST = 10_000
_NEWEST = (
    select(
        Notification.id,
        Notification.message,
        Notification.severity,
        Notification.is_read.label("isRead"),
        Notification.created_at.label("time"),
    )
    .order_by(Notification.created_at.desc())
    .limit(bindparam("limit"))
)
NEWEST = Prepared(_NEWEST)
NEWEST_OF_CLIENT = Prepared(_NEWEST.where(Notification.client_id == bindparam("client_id")))
_READ = update(Notification).where(or_(Notification.is_read == 0, Notification.is_read.is_(None))).values(is_read=1)
ALL_READ = Prepared(_READ)
ALL_READ_OF_CLIENT = Prepared(_READ.where(Notification.client_id == bindparam("of_client", type_=Operand())))


def newest(session: Session, limit: int, client_id: str | None = None) -> list[dict[str, Any]]:
    """The newest notifications of a client, or of all clients: as many as asked for, and at most 10,000.

    Raises StatementRefusedError for a negative limit.
    """
    if limit < 0:
        raise StatementRefusedError(1064, f"You have an error in your SQL syntax near '{limit}'")
    at_most = {"limit": min(limit, MOST)}
    if client_id:
        return session.dicts(NEWEST_OF_CLIENT, {"client_id": client_id, **at_most})
    return session.dicts(NEWEST, at_most)


def mark_read(session: Session, notification_id: str) -> None:
    """Note that a notification was read; an unknown one is fine."""
    update_matching(session, Notification, {"id": notification_id}, is_read=True)


def mark_all_read(session: Session, body: dict[str, Any]) -> None:
    """Note that all notifications of `body["client_id"]` were read; without one, those of all clients."""
    client_id = body.get("client_id")
    if client_id:
        session.write(ALL_READ_OF_CLIENT, {"of_client": client_id})
    else:
        session.write(ALL_READ, {})
