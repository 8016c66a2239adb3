"""Averages of the prices that agents saw, by hour or by day."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select

from backend.core.clock import utc_now
from backend.core.session import Session
from backend.core.time_buckets import DAY, HOUR, BucketNumber, bucket_start
from backend.spot.models import OndemandPriceSnapshot, SpotPriceSnapshot

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


SPOT = {
    seconds: _averages(SpotPriceSnapshot, seconds, SpotPriceSnapshot.pool_id).where(
        SpotPriceSnapshot.pool_id.in_(bindparam("pools", expanding=True))
    )
    for seconds in (HOUR, DAY)
}
ONDEMAND = {
    seconds: _averages(OndemandPriceSnapshot, seconds).where(
        OndemandPriceSnapshot.instance_type == bindparam("instance_type"),
        OndemandPriceSnapshot.region == bindparam("region"),
    )
    for seconds in (HOUR, DAY)
}


def spot_averages(session: Session, pools: Sequence[str], period: Period) -> dict[datetime, dict[str, float]]:
    """The beginning of each step, oldest first -> id of a pool -> its average price in dollars an hour."""
    averages: dict[datetime, dict[str, float]] = defaultdict(dict)
    for row in session.execute(SPOT[period.seconds], {"pools": pools, "since": period.starts()}):
        averages[bucket_start(row.bucket, period.seconds)][row.pool_id] = rounded(row.price)
    return averages


def ondemand_averages(session: Session, instance_type: str, region: str, period: Period) -> dict[datetime, float]:
    """The beginning of each step, oldest first -> the average price on demand in dollars an hour."""
    wanted = {"instance_type": instance_type, "region": region, "since": period.starts()}
    rows = session.execute(ONDEMAND[period.seconds], wanted)
    return {bucket_start(row.bucket, period.seconds): rounded(row.price) for row in rows}


def rounded(average: Any) -> float:
    """As many digits as MySQL gives an average of prices."""
    return round(float(average), DIGITS)
