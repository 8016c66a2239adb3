"""Telling operators and clients what happened. Neither ever makes a request fail."""

import logging
from typing import Any
from uuid import uuid4

from backend.core.rows import NOW, insert_row_if_possible
from backend.core.session import Session
from backend.spot.models import Notification, SystemEvent

_log = logging.getLogger("backend.spot.events")


def record_event(
    session: Session,
    event_type: str,
    severity: str,
    message: Any,
    *,
    client_id: str | None = None,
    agent_id: str | None = None,
    instance_id: Any = None,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Write one system event; empty `metadata` is none."""
    insert_row_if_possible(
        session,
        SystemEvent,
        lambda reason: _log.warning("system event lost", extra={"event_type": event_type, "reason": reason}),
        event_type=event_type,
        severity=severity,
        client_id=client_id,
        agent_id=agent_id,
        instance_id=instance_id,
        message=message,
        metadata=metadata or None,
    )


def notify(session: Session, message: str, severity: str, client_id: str) -> None:
    """Leave a notification for a client."""
    insert_row_if_possible(
        session,
        Notification,
        lambda reason: _log.warning("notification lost", extra={"reason": reason}),
        id=str(uuid4()),
        client_id=client_id,
        message=message,
        severity=severity,
        created_at=NOW,
    )
