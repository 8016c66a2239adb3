"""What happened in the system lately."""

from typing import Any

from sqlalchemy import select

from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.spot.models import SystemEvent

KINDS = {"switch_completed": "switch", "manual_switch_requested": "switch", "agent_registered": "agent"}
OTHER_KIND = "event"
NEWEST = Prepared(
    select(SystemEvent.event_type, SystemEvent.message, SystemEvent.created_at)
    .where(SystemEvent.severity.in_(("info", "warning")))
    .order_by(SystemEvent.created_at.desc(), SystemEvent.id.desc())
    .limit(50)
)


def latest(session: Session) -> list[dict[str, Any]]:
    """The 50 newest events that are no errors, the newest first, numbered from 1."""
    return [
        {
            "id": number,
            "type": KINDS.get(event.event_type, OTHER_KIND),
            "text": event.message,
            "time": event.created_at,
        }
        for number, event in enumerate(session.execute(NEWEST), start=1)
    ]
