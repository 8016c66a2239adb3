"""Which pool a new replica goes to."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select

from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.core.strict_types import Operand, StrictTimestamp
from backend.spot.models import CleanPriceSnapshot, InterruptionEvent, SpotPool, SpotPriceSnapshot
from backend.spot.services.interruptions import WINDOW_DAYS

FRESH_BUCKET = timedelta(minutes=5)
FRESH_REPORT = timedelta(hours=1)


@dataclass(frozen=True)
class Pool:
    """A pool to choose from: its fresh price in dollars an hour (None = unknown) and its interruptions of 30 days."""

    id: str
    name: str | None
    instance_type: str
    region: str
    az: str
    price: float | None
    interruptions: int


def _since(name: str) -> Any:
    return bindparam(name, type_=StrictTimestamp())


_BUCKET_PRICE = (
    select(CleanPriceSnapshot.spot_price)
    .where(CleanPriceSnapshot.pool_id == SpotPool.id, CleanPriceSnapshot.time_bucket >= _since("bucket_since"))
    .order_by(CleanPriceSnapshot.time_bucket.desc())
    .limit(1)
    .correlate(SpotPool)
    .scalar_subquery()
)
# What agents reported counts too: buckets are made from it later.
_REPORTED_PRICE = (
    select(SpotPriceSnapshot.price)
    .where(SpotPriceSnapshot.pool_id == SpotPool.id, SpotPriceSnapshot.captured_at >= _since("report_since"))
    .order_by(SpotPriceSnapshot.captured_at.desc(), SpotPriceSnapshot.id.desc())
    .limit(1)
    .correlate(SpotPool)
    .scalar_subquery()
)
_INTERRUPTIONS = (
    select(func.count())
    .select_from(InterruptionEvent)
    .where(InterruptionEvent.pool_id == SpotPool.id, InterruptionEvent.detected_at >= _since("interrupted_since"))
    .correlate(SpotPool)
    .scalar_subquery()
)
POOLS = Prepared(
    select(
        SpotPool.id,
        SpotPool.pool_name,
        SpotPool.instance_type,
        SpotPool.region,
        SpotPool.az,
        func.coalesce(_BUCKET_PRICE, _REPORTED_PRICE),
        _INTERRUPTIONS,
    ).where(
        SpotPool.instance_type == bindparam("instance_type"),
        SpotPool.region == bindparam("region"),
        SpotPool.is_active == 1,
    )
)
#: The price of a pool in its newest bucket, however old.
NEWEST_BUCKET = Prepared(
    select(CleanPriceSnapshot.spot_price)
    .where(CleanPriceSnapshot.pool_id == bindparam("pool_id", type_=Operand()))
    .order_by(CleanPriceSnapshot.time_bucket.desc())
    .limit(1)
)


def pools_like(session: Session, instance: Any, now: datetime) -> list[Pool]:
    """The active pools of the instance's type and region."""
    parameters = {
        "instance_type": instance.instance_type,
        "region": instance.region,
        "bucket_since": now - FRESH_BUCKET,
        "report_since": now - FRESH_REPORT,
        "interrupted_since": now - timedelta(days=WINDOW_DAYS),
    }
    return [Pool(*row) for row in session.execute(POOLS, parameters)]


def cheapest(
    pools: list[Pool], current_id: str | None, exclude_zones: Collection[Any] = (), max_hourly_cost: float | None = None
) -> Pool | None:
    """The cheapest pool other than the current one whose price is known, and at most `max_hourly_cost`."""
    prices = {
        pool: pool.price
        for pool in pools
        if pool.id != current_id and pool.az not in exclude_zones and pool.price is not None
    }
    affordable = [pool for pool, price in prices.items() if max_hourly_cost is None or price <= max_hourly_cost]
    return min(affordable, key=lambda pool: (prices[pool], pool.id), default=None)


def cheapest_whatever_is_known(pools: list[Pool], current_id: str | None) -> Pool | None:
    """The cheapest pool, unknown prices last; the current one only when there is no other."""
    return min(pools, key=lambda pool: (pool.id == current_id, *_by_price(pool)), default=None)


def safest(
    pools: list[Pool],
    current_id: str | None,
    zone: str | None,
    preferred_zones: Collection[Any] = (),
    exclude_zones: Collection[Any] = (),
) -> Pool | None:
    """The pool least likely to go the way of the current one in `zone`.

    Preferred zones come first, then other zones than `zone`, then few interruptions, then low (and known) prices.
    """
    others = [pool for pool in pools if pool.id != current_id and pool.az not in exclude_zones]

    def risk(pool: Pool) -> tuple[Any, ...]:
        return pool.az not in preferred_zones, pool.az == zone, pool.interruptions, *_by_price(pool)

    return min(others, key=risk, default=None)


def _by_price(pool: Pool) -> tuple[bool, float, str]:
    return pool.price is None, pool.price or 0.0, pool.id
