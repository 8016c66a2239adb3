"""Replicas that stand by: active, not promoted, not terminated, and not the primary itself."""

from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, select

from backend.core.prepared import Prepared
from backend.core.rows import update_matching
from backend.core.session import Session
from backend.core.strict_types import Operand
from backend.spot.models import Agent, ReplicaInstance
from backend.spot.services.replicas.primary import LOCKED_AGENT

ABLE_TO_TAKE_OVER = ("ready", "syncing")
GONE = ("promoted", "terminated")
COLUMNS = (
    ReplicaInstance.id,
    ReplicaInstance.instance_id,
    ReplicaInstance.replica_type,
    ReplicaInstance.pool_id,
    ReplicaInstance.instance_type,
    ReplicaInstance.region,
    ReplicaInstance.az,
    ReplicaInstance.status,
    ReplicaInstance.created_by,
    ReplicaInstance.hourly_cost,
    ReplicaInstance.is_active,
    ReplicaInstance.terminated_at,
)


def stands_by(primary_id: Any) -> ColumnElement[bool]:
    """The condition for a replica of an agent whose primary is `primary_id`: a value, or the column of a join."""
    return (
        (ReplicaInstance.is_active == 1)
        & ReplicaInstance.status.not_in(GONE)
        & (ReplicaInstance.instance_id != func.coalesce(primary_id, ""))
    )


_OF_AGENT = ReplicaInstance.agent_id == bindparam("agent_id", type_=Operand())
LOCKED_REPLICA = Prepared(
    select(*COLUMNS).where(ReplicaInstance.id == bindparam("replica_id", type_=Operand()), _OF_AGENT).with_for_update()
)
STANDING_BY = Prepared(
    select(*COLUMNS)
    .where(_OF_AGENT, stands_by(bindparam("primary_id", type_=Operand())))
    .order_by(ReplicaInstance.created_at, ReplicaInstance.id)
    .with_for_update()
)
NUMBER_STANDING_BY = (
    select(func.count())
    .select_from(ReplicaInstance)
    .where(ReplicaInstance.agent_id == Agent.id, stands_by(Agent.instance_id))
    .correlate(Agent)
    .scalar_subquery()
)


def lock_replica(session: Session, agent_id: str, replica_id: Any) -> Any:
    """The agent's replica, active or not, its row locked until the transaction ends; None for an unknown one."""
    return session.execute(LOCKED_REPLICA, {"agent_id": agent_id, "replica_id": replica_id}).first()


def lock_agent_and_replica(session: Session, agent_id: str, replica_id: Any) -> tuple[Any, Any]:
    """The agent and its replica, each as `lock_agent` and `lock_replica` answer it, with one wait for both."""
    agent, replica = session.execute_together(
        (LOCKED_AGENT, {"agent_id": agent_id}), (LOCKED_REPLICA, {"agent_id": agent_id, "replica_id": replica_id})
    )
    return agent.first(), replica.first()


def replicas_standing_by(session: Session, agent: Any) -> list[Any]:
    """All that stand by for `agent` (a locked row), oldest first, locked too."""
    parameters = {"agent_id": agent.id, "primary_id": agent.instance_id}
    return list(session.execute(STANDING_BY, parameters))


def first_able(replicas: list[Any]) -> Any:
    """The first ready one, else the first that is syncing, else None."""
    able = [replica for replica in replicas if replica.status in ABLE_TO_TAKE_OVER]
    return min(able, key=lambda replica: ABLE_TO_TAKE_OVER.index(replica.status), default=None)


def recount(session: Session, agent_id: str) -> None:
    """Bring the agent's counter in line with the replicas that stand by. The agent's row is locked."""
    update_matching(session, Agent, {"id": agent_id}, replica_count=NUMBER_STANDING_BY)
