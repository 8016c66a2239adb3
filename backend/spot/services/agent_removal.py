"""Taking an agent out of service."""

from typing import Any

from sqlalchemy import bindparam, select

from backend.core.errors import RequestRefusedError
from backend.core.prepared import Prepared
from backend.core.rows import NOW, update_matching
from backend.core.session import Session
from backend.spot.models import Agent, Instance
from backend.spot.services.events import notify, record_event
from backend.spot.services.replica_shutdown import NO_REPLICAS, end_replicas

LOCKED = Prepared(select(Agent.client_id, Agent.instance_id).where(Agent.id == bindparam("agent_id")).with_for_update())


def delete(session: Session, agent_id: str) -> dict[str, Any]:
    """Mark an agent as deleted, and its replicas and its instance as ended; Refused with 404 when it is unknown.

    A deleted agent can be deleted again.
    """
    agent = session.execute(LOCKED, {"agent_id": agent_id}).first()
    if agent is None:
        raise RequestRefusedError(404, "Agent not found")
    end_replicas(session, agent_id)
    update_matching(
        session,
        Agent,
        {"id": agent_id},
        **NO_REPLICAS,
        status="deleted",
        enabled=False,
        auto_switch_enabled=False,
        manual_replica_enabled=False,
    )
    update_matching(session, Instance, {"id": agent.instance_id}, is_active=False, terminated_at=NOW)
    record_event(session, "agent_deleted", "info", f"Agent {agent_id} deleted by user", client_id=agent.client_id)
    notify(session, f"Agent {agent_id} has been deleted", "info", agent.client_id)
    return {"success": True, "agent_id": agent_id, "message": "Agent deleted successfully"}
