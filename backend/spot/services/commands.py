"""The queue of commands an agent works through."""

from typing import Any
from uuid import uuid4

from sqlalchemy import bindparam, desc, null, select, union_all

from backend.core.database_errors import ValueRefusedError
from backend.core.errors import RequestRefusedError
from backend.core.prepared import Prepared
from backend.core.rows import NOW, insert_row, update_matching
from backend.core.session import Session
from backend.core.strict_types import Operand
from backend.spot.models import Command, PendingSwitchCommand
from backend.spot.services.callers import Caller
from backend.spot.services.events import notify

DEFAULT_WAIT_SECONDS = 300
DEFAULT_PRIORITY = 5
ANSWERED = ("instance_id", "target_mode", "target_pool_id", "priority", "terminate_wait_seconds", "created_at")


def _waiting(queue: type[Command] | type[PendingSwitchCommand], name: Any, number: Any) -> Any:
    """What waits for an agent in one queue; a command of one has a name, of the other a number."""
    columns = (getattr(queue, column) for column in ANSWERED)
    agent_id = bindparam("agent_id", type_=Operand())
    return select(name.label("name"), number.label("number"), *columns).where(queue.agent_id == agent_id)


PENDING = Prepared(
    union_all(
        _waiting(Command, Command.id, null()).where(Command.status == "pending"),
        _waiting(PendingSwitchCommand, null(), PendingSwitchCommand.id).where(
            PendingSwitchCommand.executed_at.is_(None)
        ),
    ).order_by(desc("priority"), "created_at")
)


def pending(session: Session, agent_id: str) -> list[dict[str, Any]]:
    """The waiting commands of both queues, most urgent first, then oldest first; whoever owns the agent."""
    found = session.execute(PENDING, {"agent_id": agent_id}).mappings()
    return [{**{name: row[name] for name in ANSWERED}, "id": row["name"] or str(row["number"])} for row in found]


def finish(session: Session, agent_id: str, command_id: str, body: dict[str, Any]) -> None:
    """Store how a command went; a command or an agent nobody knows is fine."""
    success = body.get("success", True)
    message = body.get("message", "")
    wanted = {"id": command_id, "agent_id": agent_id}
    try:
        update_matching(
            session,
            Command,
            wanted,
            status="completed" if success else "failed",
            success=success,
            message=message,
            executed_at=NOW,
            completed_at=NOW,
        )
    except ValueRefusedError:
        # A value only matters where there is a row to hold it.
        if session.execute(select(Command.id).filter_by(**wanted)).first() is not None:
            raise
    if command_id.isdigit():
        update_matching(
            session,
            PendingSwitchCommand,
            wanted,
            executed_at=NOW,
            execution_result=body,
        )


def issue_switch(session: Session, caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
    """Queue a switch of the caller's agent.

    Refused when the agent is unknown (404), disabled or told nonsense (400), not to be switched automatically (403),
    or already where it should go (200).
    """
    agent = caller.own_agent()
    target_mode, target_pool_id = body.get("target_mode"), body.get("target_pool_id")
    if not agent.enabled:
        raise RequestRefusedError(400, "Agent is disabled", hint="Enable the agent first")
    if not agent.auto_switch_enabled:
        hint = "Enable auto_switch_enabled in agent settings, or use manual switch from UI"
        raise RequestRefusedError(403, "Auto-switch is disabled for this agent", hint=hint, auto_switch_enabled=False)
    if target_mode not in ("spot", "ondemand"):
        raise RequestRefusedError(400, "Invalid target_mode")
    if target_mode == "spot" and not target_pool_id:
        raise RequestRefusedError(400, "target_pool_id required for spot mode")
    if agent.current_mode == target_mode and (target_mode == "ondemand" or agent.current_pool_id == target_pool_id):
        where = {"current_mode": agent.current_mode, "current_pool_id": agent.current_pool_id}
        raise RequestRefusedError(200, success=False, message="Agent already in target state", **where)
    command_id = str(uuid4())
    insert_row(
        session,
        Command,
        id=command_id,
        client_id=caller.client_id,
        agent_id=agent.id,
        instance_id=agent.instance_id,
        command_type="switch",
        target_mode=target_mode,
        target_pool_id=target_pool_id,
        priority=body.get("priority", DEFAULT_PRIORITY),
        terminate_wait_seconds=_wait_seconds(agent),
        status="pending",
        created_at=NOW,
    )
    notify(session, f"Switch command issued to {agent.hostname}: {target_mode}", "info", caller.client_id)
    return {
        "success": True,
        "command_id": command_id,
        "agent_id": caller.agent_id,
        "target_mode": target_mode,
        "target_pool_id": target_pool_id,
        "reason": body.get("reason") or "Manual command",
        "message": "Switch command queued. Agent will execute on next heartbeat.",
        "auto_switch_enabled": True,
    }


def _wait_seconds(agent: Any) -> int:
    if not agent.auto_terminate_enabled:
        return 0
    return agent.terminate_wait_seconds or DEFAULT_WAIT_SECONDS
