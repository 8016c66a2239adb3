"""Prices as agents see them."""

from typing import Any
from uuid import uuid4

from sqlalchemy import and_, bindparam, func, or_, update
from sqlalchemy.dialects import mysql

from backend.core.prepared import Prepared
from backend.core.rows import NOW, insert_row, insert_rows, insert_rows_unless_present, update_matching
from backend.core.session import Session
from backend.core.strict_types import Operand
from backend.spot.models import (
    Instance,
    OndemandPriceSnapshot,
    PricingReport,
    SpotPool,
    SpotPriceSnapshot,
)
from backend.spot.services.callers import Caller
from backend.spot.services.pricing_pipeline.submissions import submit_prices

# MySQL touches whichever row has one of the keys already; the others can name one key only, and need two statements.
INSERT_OR_TOUCH_POOLS = Prepared(
    mysql.insert(SpotPool)
    .values({name: bindparam(name) for name in ("id", "az", "instance_type", "region", "is_active")})
    .inline()
    .on_duplicate_key_update(updated_at=func.now())
)
TOUCH_POOLS = Prepared(
    update(SpotPool)
    .where(
        or_(
            SpotPool.id.in_(bindparam("ids", expanding=True, type_=Operand())),
            and_(
                SpotPool.instance_type == bindparam("their_type", type_=Operand()),
                SpotPool.region == bindparam("their_region", type_=Operand()),
                SpotPool.az.in_(bindparam("zones", expanding=True, type_=Operand())),
            ),
        )
    )
    .values(updated_at=func.now())
)


def record(session: Session, caller: Caller, agent_id: str, body: dict[str, Any]) -> None:
    """Store a report: the instance's prices, the report itself, then what it says about each pool.

    The agent may be anybody's. What is missing in the report is stored as NULL.
    """
    instance, pricing = body.get("instance", {}), body.get("pricing", {})
    ondemand_price = pricing.get("on_demand_price")
    update_matching(
        session,
        Instance,
        {"id": instance.get("instance_id"), "client_id": caller.client_id},
        ondemand_price=ondemand_price,
        spot_price=pricing.get("current_spot_price"),
        updated_at=NOW,
    )
    report_id = _store_report(session, agent_id, instance, pricing)
    _store_pools(session, instance, pricing.get("spot_pools", []))
    submit_prices(session, caller, agent_id, report_id, instance, pricing)
    if ondemand_price:
        insert_row(
            session,
            OndemandPriceSnapshot,
            region=instance.get("region"),
            instance_type=instance.get("instance_type"),
            price=ondemand_price,
        )


def _store_report(session: Session, agent_id: str, instance: dict[str, Any], pricing: dict[str, Any]) -> str:
    report_id = str(uuid4())
    cheapest = pricing.get("cheapest_pool") or {}
    insert_row(
        session,
        PricingReport,
        id=report_id,
        agent_id=agent_id,
        instance_id=instance.get("instance_id"),
        instance_type=instance.get("instance_type"),
        region=instance.get("region"),
        az=instance.get("az"),
        current_mode=instance.get("mode"),
        current_pool_id=instance.get("pool_id"),
        on_demand_price=pricing.get("on_demand_price"),
        current_spot_price=pricing.get("current_spot_price"),
        cheapest_pool_id=cheapest.get("pool_id"),
        cheapest_pool_price=cheapest.get("price"),
        spot_pools=pricing.get("spot_pools", []),
        collected_at=pricing.get("collected_at"),
    )
    return report_id


def _store_pools(session: Session, instance: dict[str, Any], pools: list[dict[str, Any]]) -> None:
    """Store the pools and their prices. A pool is of the type and region of the reporting instance."""
    if not pools:
        return
    instance_type, region = instance.get("instance_type"), instance.get("region")
    place = {"instance_type": instance_type, "region": region, "is_active": True}
    rows = [{"id": pool["pool_id"], "az": pool["az"], **place} for pool in pools]
    on_mysql = session.get_bind().dialect.name == "mysql"
    if on_mysql:
        session.write_many(INSERT_OR_TOUCH_POOLS, rows)
    else:
        insert_rows_unless_present(session, SpotPool, rows)
    insert_rows(session, SpotPriceSnapshot, [{"pool_id": pool["pool_id"], "price": pool["price"]} for pool in pools])
    if on_mysql:
        return
    # As texts: beside a number, MySQL would read the ids it compares as numbers, and fail.
    names = {"ids": [str(pool["pool_id"]) for pool in pools], "zones": [str(pool["az"]) for pool in pools]}
    session.write(TOUCH_POOLS, {**names, "their_type": instance_type, "their_region": region})
