"""Signs of life."""

from typing import Any

from backend.core.rows import NOW, update_matching
from backend.core.session import Session
from backend.spot.models import Agent, Client
from backend.spot.services.callers import Caller
from backend.spot.services.events import notify
from backend.spot.services.replicas.primary import was_relieved

COLUMNS = {"instance_id": "instance_id", "instance_type": "instance_type", "mode": "current_mode", "az": "az"}


def beat(session: Session, caller: Caller, body: dict[str, Any]) -> None:
    """Store what the agent says about itself and notify its client when it goes or comes back; Refused with 404."""
    status = body.get("status", "online")
    agent = caller.own_agent()
    told = {column: body[field] for field, column in COLUMNS.items() if body.get(field) is not None}
    told = _accepted(session, agent, told)
    update_matching(session, Agent, {"id": agent.id}, status=status, last_heartbeat_at=NOW, **told)
    # Before the notification, which locks the client's row for others to read: two of them could never both write it.
    update_matching(session, Client, {"id": caller.client_id}, last_sync_at=NOW)
    if status == "offline" != agent.status:
        notify(session, f"Agent {caller.agent_id} went offline", "warning", caller.client_id)
    elif status == "online" and agent.status == "offline":
        notify(session, f"Agent {caller.agent_id} is back online", "info", caller.client_id)


def _accepted(session: Session, agent: Any, told: dict[str, Any]) -> dict[str, Any]:
    """What counts of `told`: nothing from a machine that was relieved, and no instance that is no news.

    Writing the old instance once more would undo a takeover that happens at the same time.
    """
    if "instance_id" not in told:
        return told
    if told["instance_id"] == agent.instance_id:
        return {column: value for column, value in told.items() if column != "instance_id"}
    return {} if was_relieved(session, agent.id, told["instance_id"]) else told
