"""What pools cost now."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select

from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.spot.models import SpotPool, SpotPriceSnapshot

FRESH = timedelta(hours=1)
# One step in an index for each pool, however long its history is.
NEWEST_PRICE = (
    select(SpotPriceSnapshot.price)
    .where(SpotPriceSnapshot.pool_id == SpotPool.id, SpotPriceSnapshot.captured_at >= bindparam("since"))
    .order_by(SpotPriceSnapshot.captured_at.desc(), SpotPriceSnapshot.id.desc())
    .limit(1)
    .correlate(SpotPool)
    .scalar_subquery()
)
POOLS = Prepared(
    select(
        SpotPool.id,
        SpotPool.pool_name,
        SpotPool.az,
        SpotPool.instance_type,
        SpotPool.is_active,
        NEWEST_PRICE.label("price"),
    )
    .where(SpotPool.instance_type == bindparam("instance_type"), SpotPool.region == bindparam("region"))
    .order_by(SpotPool.az, SpotPool.id)
)


def pools_with_prices(session: Session, instance_type: str, region: str, now: datetime) -> Sequence[Any]:
    """All pools of a type in a region, each with its newest price of the last hour, cheapest first, unpriced last.

    Rows of id, pool_name, az, instance_type, is_active and price (dollars an hour, or None).
    """
    wanted = {"instance_type": instance_type, "region": region, "since": now - FRESH}
    return sorted(session.execute(POOLS, wanted), key=lambda pool: (pool.price is None, pool.price or 0.0))


def name_of_pool(pool_id: str, name: str | None) -> str:
    """What a pool is called."""
    return name or f"Pool {pool_id}"
