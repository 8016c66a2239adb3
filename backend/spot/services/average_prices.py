"""Averages of the prices that agents saw, by hour or by day."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, func, select

from backend.core.clock import utc_now
from backend.core.prepared import Prepared
from backend.core.time_buckets import DAY, HOUR, BucketNumber, bucket_start
from backend.spot.models import Instance, OndemandPriceSnapshot, SpotPool, SpotPriceSnapshot

DIGITS = 10


@dataclass(frozen=True)
class Period:
    """The last `days` days, in steps of hours or of days."""

    days: int
    hourly: bool

    @property
    def seconds(self) -> int:
        """The length of a step."""
        return HOUR if self.hourly else DAY

    def starts(self) -> datetime:
        """When the period begins."""
        return utc_now() - timedelta(days=self.days)


def _averages(prices: type[SpotPriceSnapshot] | type[OndemandPriceSnapshot], seconds: int, *key: Any) -> Any:
    bucket = BucketNumber(prices.captured_at, seconds).label("bucket")
    return (
        select(bucket, func.avg(prices.price).label("price"), *key)
        .where(prices.captured_at >= bindparam("since"))
        .group_by(bucket, *key)
        .order_by(bucket, *key)
    )


def _spot(seconds: int) -> Any:
    return (
        _averages(SpotPriceSnapshot, seconds, SpotPriceSnapshot.pool_id)
        .select_from(SpotPool)
        .join(SpotPriceSnapshot, SpotPriceSnapshot.pool_id == SpotPool.id)
    )


_STEPS = (HOUR, DAY)
# Of the pools of a type in a region, and of those that an instance could run in.
SPOT = {
    seconds: Prepared(
        _spot(seconds).where(
            SpotPool.instance_type == bindparam("instance_type"), SpotPool.region == bindparam("region")
        )
    )
    for seconds in _STEPS
}
SPOT_OF_INSTANCE = {
    seconds: Prepared(
        _spot(seconds)
        .join(Instance, and_(Instance.instance_type == SpotPool.instance_type, Instance.region == SpotPool.region))
        .where(Instance.id == bindparam("instance_id"))
    )
    for seconds in _STEPS
}
ONDEMAND = {
    seconds: Prepared(
        _averages(OndemandPriceSnapshot, seconds).where(
            OndemandPriceSnapshot.instance_type == bindparam("instance_type"),
            OndemandPriceSnapshot.region == bindparam("region"),
        )
    )
    for seconds in _STEPS
}


def spot_averages(rows: Iterable[Any], period: Period) -> dict[datetime, dict[str, float]]:
    """What SPOT or SPOT_OF_INSTANCE answered: the beginning of each step, oldest first -> id of a pool -> its price."""
    averages: dict[int, dict[str, float]] = defaultdict(dict)
    for bucket, price, pool_id in rows:
        averages[bucket][pool_id] = rounded(price)
    return {bucket_start(bucket, period.seconds): prices for bucket, prices in averages.items()}


def ondemand_averages(rows: Iterable[Any], period: Period) -> dict[datetime, float]:
    """What ONDEMAND answered: the beginning of each step, oldest first -> the average price in dollars an hour."""
    return {bucket_start(bucket, period.seconds): rounded(price) for bucket, price in rows}


def rounded(average: Any) -> float:
    """As many digits as MySQL gives an average of prices."""
    return round(float(average), DIGITS)
