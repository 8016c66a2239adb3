"""Replicas that are no longer wanted."""

from typing import Any

from backend.core.clock import utc_now
from backend.core.errors import RequestRefusedError
from backend.core.rows import NOW, update_matching
from backend.core.session import Session
from backend.spot.models import Agent, ReplicaInstance
from backend.spot.services.replicas.primary import lock_agent
from backend.spot.services.replicas.standby import lock_replica, recount


def delete(session: Session, agent_id: str, replica_id: str) -> dict[str, Any]:
    """Terminate a replica; a primary that it has become goes on. Refused for an unknown one (404) and a dead one (400).

    Replicas outlive their agents, so the agent may be gone.
    """
    agent = lock_agent(session, agent_id)
    replica = lock_replica(session, agent_id, replica_id)
    if replica is None:
        raise RequestRefusedError(404, "Replica not found")
    if not replica.is_active:
        raise RequestRefusedError(400, "Replica already terminated", terminated_at=replica.terminated_at)
    terminate(session, agent, replica)
    return {
        "success": True,
        "message": "Replica terminated",
        "replica_id": replica_id,
        "terminated_at": utc_now().isoformat(),
    }


def terminate(session: Session, agent: Any, replica: Any) -> None:
    """Terminate a locked replica of a locked agent (None when it is gone), and count those that are left."""
    gone = {"status": "terminated", "is_active": False, "terminated_at": NOW}
    update_matching(session, ReplicaInstance, {"id": replica.id}, **gone)
    if agent is not None:
        current = {"id": agent.id, "current_replica_id": replica.id}
        update_matching(session, Agent, current, current_replica_id=None)
        recount(session, agent.id)
