"""Agents that fell silent."""

from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import select

from backend.core.rows import insert_rows, update_rows
from backend.core.session import Session
from backend.spot.models import Agent, Notification, SystemEvent


def mark_silent_agents(session: Session, now: datetime, timeout_seconds: int, limit: int) -> int:
    """Take up to `limit` agents offline that are online but silent for longer than the timeout.

    Their clients are notified and an event is left for each. Returns how many there were. An agent that never sent a
    heartbeat is not silent.
    """
    silent = session.execute(
        select(Agent.id, Agent.client_id, Agent.hostname, Agent.instance_id, Agent.last_heartbeat_at)
        .where(Agent.status == "online", Agent.last_heartbeat_at < now - timedelta(seconds=timeout_seconds))
        .order_by(Agent.last_heartbeat_at)
        .limit(limit)
        .with_for_update()
    ).all()
    if not silent:
        return 0
    update_rows(session, Agent, Agent.id.in_([agent.id for agent in silent]), status="offline")
    notifications = [
        {
            "id": str(uuid4()),
            "client_id": agent.client_id,
            "message": f"Agent {agent.hostname or agent.id} marked offline (heartbeat timeout)",
            "severity": "warning",
        }
        for agent in silent
    ]
    events = [
        {
            "event_type": "agent_marked_offline",
            "severity": "warning",
            "client_id": agent.client_id,
            "agent_id": agent.id,
            "instance_id": agent.instance_id,
            "message": f"Agent {agent.hostname or agent.id} marked offline due to heartbeat timeout"
            f" ({timeout_seconds}s)",
            "metadata": {
                "timeout_seconds": timeout_seconds,
                "last_heartbeat_at": agent.last_heartbeat_at.isoformat(),
            },
        }
        for agent in silent
    ]
    insert_rows(session, Notification, notifications)
    insert_rows(session, SystemEvent, events)
    return len(silent)
