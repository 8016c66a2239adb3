"""The replicas of one agent."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from backend.core.clock import utc_now
from backend.core.json_provider import AnyJSON
from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.core.strict_types import Operand
from backend.spot.models import ReplicaInstance, SpotPool

COLUMNS = (
    ReplicaInstance.id,
    ReplicaInstance.instance_id,
    ReplicaInstance.replica_type.label("type"),
    ReplicaInstance.status,
    ReplicaInstance.sync_status,
    ReplicaInstance.sync_latency_ms,
    ReplicaInstance.state_transfer_progress,
    ReplicaInstance.pool_id,
    ReplicaInstance.region,
    ReplicaInstance.az,
    ReplicaInstance.hourly_cost,
    ReplicaInstance.total_cost,
    ReplicaInstance.created_by,
    ReplicaInstance.created_at,
    ReplicaInstance.ready_at,
    ReplicaInstance.terminated_at,
    ReplicaInstance.is_active,
    ReplicaInstance.tags,
    ReplicaInstance.tags.is_not(None).label("has_tags"),
    SpotPool.pool_name,
    SpotPool.instance_type.label("pool_instance_type"),
    SpotPool.region.label("pool_region"),
    SpotPool.az.label("pool_az"),
)
_REPLICAS = (
    select(*COLUMNS)
    .select_from(ReplicaInstance)
    .outerjoin(SpotPool, SpotPool.id == ReplicaInstance.pool_id)
    .where(ReplicaInstance.agent_id == bindparam("agent_id", type_=Operand()))
    .order_by(ReplicaInstance.created_at.desc(), ReplicaInstance.id)
)
REPLICAS = Prepared(_REPLICAS)
ACTIVE_REPLICAS = Prepared(_REPLICAS.where(ReplicaInstance.is_active == 1))


def replicas_of(session: Session, agent_id: str, *, include_inactive: bool, status: str | None) -> dict[str, Any]:
    """The replicas of an agent, newest first: the active ones unless told otherwise, those in `status` if it is given.

    An unknown agent has none.
    """
    found = session.dicts(REPLICAS if include_inactive else ACTIVE_REPLICAS, {"agent_id": agent_id})
    now = utc_now()
    rows = [row for row in found if not status or row["status"] == status]
    for row in rows:
        _shape(row, now)
    return {"replicas": rows, "total": len(rows)}


def _shape(row: dict[str, Any], now: datetime) -> None:
    """Make of a row what is shown. Agents look for its pool and place at the top, too, when they are to launch it."""
    row["state_transfer_progress"] = row["state_transfer_progress"] or 0.0
    row["pool"] = {
        "id": row["pool_id"],
        "name": row.pop("pool_name"),
        "instance_type": row.pop("pool_instance_type"),
        "region": row.pop("pool_region"),
        "az": row.pop("pool_az"),
    }
    row["cost"] = {"hourly": row.pop("hourly_cost") or None, "total": row.pop("total_cost") or 0.0}
    row["age_seconds"] = int(((row["terminated_at"] or now) - row["created_at"]).total_seconds())
    row["is_active"] = bool(row["is_active"])
    row["tags"] = AnyJSON(row["tags"]) if row.pop("has_tags") else {}
