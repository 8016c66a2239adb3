"""Replicas that operators ask for, and the rows that all new replicas begin as."""

from collections.abc import Collection
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, bindparam, literal_column, select

from backend.core.clock import utc_now
from backend.core.database_errors import UnsupportedValueError
from backend.core.errors import RequestRefusedError
from backend.core.prepared import Prepared
from backend.core.rows import insert_row, update_matching
from backend.core.session import Session
from backend.core.strict_types import Operand
from backend.spot.models import Agent, ReplicaInstance, SpotPool
from backend.spot.services.replicas.pool_choice import NEWEST_BUCKET, cheapest, pools_like
from backend.spot.services.replicas.primary import current_pool_id, lock_agent, primary_of
from backend.spot.services.replicas.standby import recount

MOST_MANUAL_REPLICAS = 1
AUTOMATIC_CHOICE = "auto"
JSON_NULL: ColumnElement[str] = literal_column("'null'")
NAMED_POOL = Prepared(
    select(SpotPool.id, SpotPool.pool_name.label("name"), SpotPool.instance_type, SpotPool.region, SpotPool.az).where(
        SpotPool.id == bindparam("pool_id", type_=Operand())
    )
)


def create(session: Session, agent_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Start a replica for an agent in manual mode, in the pool that is named or else in the cheapest suitable one.

    Refused when the agent is offline or unknown, or the pool is unknown (404); when manual mode is off, a replica
    stands by already, the pool is of another type, or no pool suits (400).
    """
    agent = lock_agent(session, agent_id)
    primary = primary_of(session, agent)
    if primary is None or agent.status is None or agent.status.lower() != "online":
        raise RequestRefusedError(404, "Agent not found or offline")
    if not agent.manual_replica_enabled:
        hint = "Enable manual_replica_enabled in agent settings"
        raise RequestRefusedError(400, "Manual replicas not enabled for this agent", hint=hint)
    if agent.replica_count >= MOST_MANUAL_REPLICAS:
        raise RequestRefusedError(
            400,
            "Replica already exists for this agent",
            current_count=agent.replica_count,
            max_allowed=MOST_MANUAL_REPLICAS,
            note="Manual replica mode maintains exactly 1 replica. Delete existing replica first.",
        )
    pool, price = _chosen_pool(session, agent, primary, body)
    replica_id, placeholder = start_replica(
        session,
        agent,
        pool,
        kind="manual",
        prefix="replica",
        hourly_cost=price,
        created_by=body.get("created_by", "unknown"),
        tags=body.get("tags", {}),
    )
    if body.get("tags", {}) is None:
        # A null that was sent is kept as JSON, beside the NULL of replicas that nobody gave tags.
        update_matching(session, ReplicaInstance, {"id": replica_id}, tags=JSON_NULL)
    if agent.current_replica_id is None:
        update_matching(session, Agent, {"id": agent.id}, current_replica_id=replica_id)
    return {
        "success": True,
        "replica_id": replica_id,
        "instance_id": placeholder,
        "pool": {
            "id": pool.id,
            "name": pool.name,
            "instance_type": pool.instance_type,
            "region": pool.region,
            "az": pool.az,
        },
        "hourly_cost": price,
        "status": "launching",
        "message": "Replica is launching. Connect your agent to establish sync.",
    }


def start_replica(
    session: Session,
    agent: Any,
    pool: Any,
    *,
    kind: str,
    prefix: str,
    hourly_cost: float | None,
    created_by: Any,
    **others: Any,
) -> tuple[str, str]:
    """Store a replica of a locked `agent` that is to be launched in `pool`, and count it.

    Returns its id and the placeholder that stands for its instance until the real one is reported.
    """
    replica_id = str(uuid4())
    placeholder = f"{prefix}-{replica_id[:8]}"
    insert_row(
        session,
        ReplicaInstance,
        id=replica_id,
        agent_id=agent.id,
        instance_id=placeholder,
        replica_type=kind,
        pool_id=pool.id,
        instance_type=pool.instance_type,
        region=pool.region,
        az=pool.az,
        status="launching",
        created_by=created_by,
        parent_instance_id=agent.instance_id,
        hourly_cost=hourly_cost,
        is_active=True,
        **others,
    )
    recount(session, agent.id)
    return replica_id, placeholder


def _chosen_pool(session: Session, agent: Any, primary: Any, body: dict[str, Any]) -> tuple[Any, float | None]:
    """The pool and its price in dollars an hour; None when the price is unknown or 0."""
    pool_id = body.get("pool_id")
    if pool_id and pool_id != AUTOMATIC_CHOICE:
        named, price = _named_pool(session, pool_id)
        if named.instance_type != primary.instance_type:
            types = {"agent_type": primary.instance_type, "pool_type": named.instance_type}
            raise RequestRefusedError(400, "Pool instance type mismatch", **types)
        return named, price or None
    exclude_zones: Collection[Any] = body.get("exclude_zones") or ()
    limit = body.get("max_hourly_cost")
    pools = pools_like(session, primary, utc_now())
    chosen = cheapest(pools, current_pool_id(agent, primary), exclude_zones, None if limit is None else float(limit))
    if chosen is None:
        hint = "Try adjusting exclude_zones or max_hourly_cost"
        raise RequestRefusedError(400, "No suitable pool found", hint=hint)
    return chosen, chosen.price or None


def _named_pool(session: Session, pool_id: Any) -> tuple[Any, float | None]:
    """The pool, and its price in its newest bucket, however old; None when it has none."""
    if isinstance(pool_id, dict | list):
        raise UnsupportedValueError(pool_id)
    wanted = {"pool_id": str(pool_id)}
    pools, prices = session.execute_together((NAMED_POOL, wanted), (NEWEST_BUCKET, wanted))
    pool, price = pools.first(), prices.scalar()
    if pool is None:
        raise RequestRefusedError(404, "Pool not found")
    return pool, price
