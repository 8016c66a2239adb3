"""Agents that stop."""

from typing import Any

from backend.core.rows import NOW, update_matching
from backend.core.session import Session
from backend.spot.models import Agent
from backend.spot.services.callers import Caller
from backend.spot.services.events import notify, record_event


def record(session: Session, caller: Caller, agent_id: str, body: dict[str, Any]) -> None:
    """Take the caller's agent offline and tell everybody why; somebody else's agent is only told about."""
    reason = body.get("reason", "Unknown")
    mine = {"id": agent_id, "client_id": caller.client_id}
    update_matching(session, Agent, mine, status="offline", terminated_at=NOW)
    notify(session, f"Agent {agent_id} terminated: {reason}", "warning", caller.client_id)
    record_event(
        session,
        "instance_terminated",
        "warning",
        reason,
        client_id=caller.client_id,
        agent_id=agent_id,
        metadata=body,
    )
