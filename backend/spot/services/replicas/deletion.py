"""Replicas that are no longer wanted."""

from typing import Any

from sqlalchemy import bindparam, case, null, update

from backend.core.clock import utc_now
from backend.core.errors import RequestRefusedError
from backend.core.prepared import Prepared
from backend.core.rows import NOW, update_matching
from backend.core.session import Session
from backend.core.strict_types import Operand
from backend.spot.models import Agent, ReplicaInstance
from backend.spot.services.replicas.standby import NUMBER_STANDING_BY, lock_agent_and_replica

#: An agent without a replica that is gone, if it was the current one, and with those counted that are left.
FORGOTTEN = Prepared(
    update(Agent)
    .where(Agent.id == bindparam("of_agent", type_=Operand()))
    .values(
        current_replica_id=case(
            (Agent.current_replica_id == bindparam("gone", type_=Operand()), null()), else_=Agent.current_replica_id
        ),
        replica_count=NUMBER_STANDING_BY,
    )
)


def delete(session: Session, agent_id: str, replica_id: str) -> dict[str, Any]:
    """Terminate a replica; a primary that it has become goes on. Refused for an unknown one (404) and a dead one (400).

    Replicas outlive their agents, so the agent may be gone.
    """
    agent, replica = lock_agent_and_replica(session, agent_id, replica_id)
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
        session.write(FORGOTTEN, {"of_agent": agent.id, "gone": replica.id})
