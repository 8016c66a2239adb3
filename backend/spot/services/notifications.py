"""What clients have been told, and whether they have read it."""

from typing import Any

from sqlalchemy import bindparam, or_, select

from backend.core.database_errors import StatementRefusedError
from backend.core.rows import update_matching, update_rows
from backend.core.session import Session
from backend.spot.models import Notification

MOST = 10_000
NEWEST = (
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
NEWEST_OF_CLIENT = NEWEST.where(Notification.client_id == bindparam("client_id"))
UNREAD = or_(Notification.is_read == 0, Notification.is_read.is_(None))


def newest(session: Session, limit: int, client_id: str | None = None) -> list[dict[str, Any]]:
    """The newest notifications of a client, or of all clients: as many as asked for, and at most 10,000.

    Raises StatementRefusedError for a negative limit.
    """
    if limit < 0:
        raise StatementRefusedError(1064, f"You have an error in your SQL syntax near '{limit}'")
    at_most = {"limit": min(limit, MOST)}
    if client_id:
        rows = session.execute(NEWEST_OF_CLIENT, {"client_id": client_id, **at_most})
    else:
        rows = session.execute(NEWEST, at_most)
    return [row._asdict() for row in rows]


def mark_read(session: Session, notification_id: str) -> None:
    """Note that a notification was read; an unknown one is fine."""
    update_matching(session, Notification, {"id": notification_id}, is_read=True)


def mark_all_read(session: Session, body: dict[str, Any]) -> None:
    """Note that all notifications of `body["client_id"]` were read; without one, those of all clients."""
    client_id = body.get("client_id")
    of_client = [Notification.client_id == client_id] if client_id else []
    update_rows(session, Notification, UNREAD, *of_client, is_read=True)
