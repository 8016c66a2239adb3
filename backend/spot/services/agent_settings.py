"""What people set for an agent. Whoever the agent belongs to, and unless said otherwise, whether it exists or not."""

from typing import Any

from sqlalchemy import bindparam, select

from backend.core.database_errors import ValueRefusedError
from backend.core.errors import RequestRefusedError
from backend.core.prepared import Prepared
from backend.core.rows import NOW, update_matching
from backend.core.session import Session
from backend.spot.models import Agent
from backend.spot.services.events import record_event
from backend.spot.services.replica_shutdown import NO_REPLICAS, end_replicas

SETTINGS = ("auto_switch_enabled", "auto_terminate_enabled", "replica_enabled", "replica_count")
MINUTES = ("terminateWaitMinutes", "terminate_wait_minutes")
SECONDS_A_MINUTE = 60
UNSET = object()
KNOWN = Prepared(select(Agent.id).where(Agent.id == bindparam("agent_id")))
LOCKED_MODES = Prepared(
    select(Agent.auto_switch_enabled, Agent.manual_replica_enabled, Agent.replica_count)
    .where(Agent.id == bindparam("agent_id"))
    .with_for_update()
)


def toggle(session: Session, agent_id: str, body: dict[str, Any]) -> None:
    """Let an agent work or rest; without `enabled` it works, which the event tells as "disabled"."""
    _set(session, agent_id, enabled=body.get("enabled", True))
    word = "enabled" if body.get("enabled") else "disabled"
    record_event(session, "agent_toggled", "info", f"Agent {agent_id} {word}", agent_id=agent_id)


def change(session: Session, agent_id: str, body: dict[str, Any]) -> None:
    """Set those of SETTINGS that `body` holds, as they are."""
    wanted = {name: body.get(name) for name in SETTINGS if name in body}
    if wanted:
        _set(session, agent_id, **wanted)


def configure(session: Session, agent_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Set waiting time and modes; a mode that excludes another ends it, and ends the replicas that belong to it.

    Returns the modes as asked for, or as they were. Refused with 404 when there is no such agent; raises ValueError or
    TypeError for a waiting time that is no number.
    """
    agent = session.execute(LOCKED_MODES, {"agent_id": agent_id}).first()
    if agent is None:
        raise RequestRefusedError(404, "Agent not found")
    automatic = _asked(body, "autoSwitchEnabled")
    manual = _asked(body, "manualReplicaEnabled")
    terminating = _asked(body, "autoTerminateEnabled")
    changes = _waiting(body)
    if terminating is not None:
        changes["auto_terminate_enabled"] = terminating
    if automatic is not None:
        changes["auto_switch_enabled"] = automatic
    if automatic:
        changes["manual_replica_enabled"] = False
    if manual is not None:
        changes["manual_replica_enabled"] = manual
    if manual:
        changes["auto_switch_enabled"] = False
    if agent.manual_replica_enabled and (agent.replica_count or 0) > 0 and (automatic or manual is False):
        end_replicas(session, agent_id, only_manual=manual is not False)
        changes |= NO_REPLICAS
    update_matching(session, Agent, {"id": agent_id}, **changes, updated_at=NOW)
    return {
        "success": True,
        "auto_switch_enabled": bool(agent.auto_switch_enabled) if automatic is None else automatic,
        "manual_replica_enabled": bool(agent.manual_replica_enabled) if manual is None else manual,
    }


def _set(session: Session, agent_id: str, **values: Any) -> None:
    try:
        update_matching(session, Agent, {"id": agent_id}, **values)
    except ValueRefusedError:
        # A value only matters where there is a row to hold it.
        if session.execute(KNOWN, {"agent_id": agent_id}).first() is not None:
            raise


def _asked(body: dict[str, Any], name: str) -> bool | None:
    value = body.get(name, UNSET)
    return None if value is UNSET else bool(value)


def _waiting(body: dict[str, Any]) -> dict[str, Any]:
    given = [body[name] for name in MINUTES if name in body]
    return {"terminate_wait_seconds": int(given[0]) * SECONDS_A_MINUTE} if given else {}
