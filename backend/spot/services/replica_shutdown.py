"""Ending the replicas of an agent."""

from backend.core.rows import NOW, update_matching
from backend.core.session import Session
from backend.spot.models import ReplicaInstance

NO_REPLICAS = {"replica_count": 0, "current_replica_id": None}
"""What the columns of an agent say when it has no replica."""


def end_replicas(session: Session, agent_id: str, *, only_manual: bool = False) -> None:
    """Mark the active replicas of an agent as terminated now. Hold the lock on the agent's row before."""
    match = {"agent_id": agent_id, "is_active": 1, **({"replica_type": "manual"} if only_manual else {})}
    ended = {"is_active": False, "status": "terminated", "terminated_at": NOW}
    update_matching(session, ReplicaInstance, match, **ended)
