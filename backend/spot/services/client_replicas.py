"""The replicas that stand by for a client's agents."""

from typing import Any

from sqlalchemy import bindparam, select

from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.spot.models import Agent, Instance, ReplicaInstance, SpotPool

GONE = ("terminated", "promoted")
REPLICAS = Prepared(
    select(
        ReplicaInstance.id,
        ReplicaInstance.agent_id,
        ReplicaInstance.instance_id,
        ReplicaInstance.replica_type,
        ReplicaInstance.status,
        ReplicaInstance.sync_status,
        ReplicaInstance.sync_latency_ms,
        ReplicaInstance.state_transfer_progress,
        ReplicaInstance.pool_id,
        ReplicaInstance.hourly_cost,
        ReplicaInstance.total_cost,
        ReplicaInstance.created_by,
        ReplicaInstance.created_at,
        ReplicaInstance.ready_at,
        ReplicaInstance.terminated_at,
        Agent.instance_id.label("primary_instance_id"),
        Instance.instance_type.label("primary_instance_type"),
        Instance.region.label("primary_region"),
        Instance.az.label("primary_az"),
        Instance.current_mode.label("primary_mode"),
        SpotPool.pool_name,
        SpotPool.instance_type.label("pool_instance_type"),
        SpotPool.region.label("pool_region"),
        SpotPool.az.label("pool_az"),
    )
    .select_from(Agent)
    .join(ReplicaInstance, ReplicaInstance.agent_id == Agent.id)
    .outerjoin(Instance, Instance.id == Agent.instance_id)
    .outerjoin(SpotPool, SpotPool.id == ReplicaInstance.pool_id)
    .where(
        Agent.client_id == bindparam("client_id"),
        ReplicaInstance.is_active == 1,
        ReplicaInstance.status.not_in(GONE),
    )
    .order_by(ReplicaInstance.created_at.desc(), ReplicaInstance.id)
)


def listing(session: Session, client_id: str) -> list[dict[str, Any]]:
    """The replicas at work for a client, newest first, each with the instance it stands by for."""
    return [_shape(row) for row in session.dicts(REPLICAS, {"client_id": client_id})]


def _shape(replica: dict[str, Any]) -> dict[str, Any]:
    return {
        "agentId": replica["agent_id"],
        "primary": {
            "instanceId": replica["primary_instance_id"],
            "instanceType": replica["primary_instance_type"],
            "region": replica["primary_region"],
            "az": replica["primary_az"],
            "mode": replica["primary_mode"],
        },
        "replica": {
            "id": replica["id"],
            "instanceId": replica["instance_id"],
            "type": replica["replica_type"],
            "status": replica["status"],
            "sync_status": replica["sync_status"],
            "sync_latency_ms": replica["sync_latency_ms"],
            "state_transfer_progress": replica["state_transfer_progress"] or 0.0,
            "pool": _pool(replica),
            "cost": {"hourly": replica["hourly_cost"] or None, "total": replica["total_cost"] or 0.0},
            "created_by": replica["created_by"],
            "created_at": replica["created_at"],
            "ready_at": replica["ready_at"],
            "terminated_at": replica["terminated_at"],
            "is_active": True,
        },
    }


def _pool(replica: dict[str, Any]) -> dict[str, Any] | None:
    """The pool of a replica; its own values are null when nobody knows it any more."""
    if not replica["pool_id"]:
        return None
    return {
        "id": replica["pool_id"],
        "name": replica["pool_name"],
        "instance_type": replica["pool_instance_type"],
        "region": replica["pool_region"],
        "az": replica["pool_az"],
    }
