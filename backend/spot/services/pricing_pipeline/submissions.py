"""Prices as agents submit them, for deduplication to work on."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from backend.core.clock import utc_now
from backend.core.rows import insert_rows
from backend.core.session import Session
from backend.spot.models import PriceSubmission, ReplicaInstance
from backend.spot.services.callers import Caller

REPLICA_SOURCES = {
    "manual": "replica-manual",
    "automatic-rebalance": "replica-automatic",
    "automatic-termination": "replica-automatic",
}


def submit_prices(
    session: Session, caller: Caller, agent_id: str, report_id: str, instance: dict[str, Any], pricing: dict[str, Any]
) -> None:
    """Submit the prices of a report's pools, which must be stored already; the report is their batch.

    A report that doesn't say which instance it comes from submits none.
    """
    pools: Sequence[dict[str, Any]] = pricing.get("spot_pools", [])
    instance_id = instance.get("instance_id")
    if not pools or instance_id is None:
        return
    now = utc_now()
    source = {
        "source_instance_id": instance_id,
        "source_agent_id": agent_id,
        "source_type": _source_type(session, caller, agent_id, instance_id),
        "instance_type": instance.get("instance_type"),
        "region": instance.get("region"),
        "ondemand_price": pricing.get("on_demand_price"),
        "observed_at": pricing.get("collected_at") or now,
        "submitted_at": now,
        "client_id": caller.client_id,
        "batch_id": report_id,
    }
    submissions = [
        {
            **source,
            "submission_id": str(uuid4()),
            "pool_id": pool["pool_id"],
            "az": pool["az"],
            "spot_price": pool["price"],
        }
        for pool in pools
    ]
    insert_rows(session, PriceSubmission, submissions)


def _source_type(session: Session, caller: Caller, agent_id: str, instance_id: Any) -> str:
    """Only the report of an instance that is not the agent's own has to be looked up."""
    if caller.agent is None or caller.agent.instance_id == instance_id:
        return "primary"
    replica = (
        select(ReplicaInstance.replica_type)
        .where(ReplicaInstance.agent_id == agent_id, ReplicaInstance.instance_id == str(instance_id))
        .limit(1)
    )
    kind = session.execute(replica).scalar()
    return "primary" if kind is None else REPLICA_SOURCES[kind]
