"""Averages of the prices that agents saw, by hour or by day.

Spot prices are many, so a job adds them up by the hour (upkeep/price_rollup.py). What is averaged here is always all
prices of the period, as if nothing were rolled up: the hours that lie in it as a whole, the prices that are not rolled
up yet, and those of the hour in which the period begins.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Integer, bindparam, func, literal_column, select, type_coerce, union_all
from sqlalchemy.types import NULLTYPE

from backend.core.clock import utc_now
from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.core.strict_types import Operand
from backend.core.time_buckets import DAY, HOUR, BucketNumber, bucket_start
from backend.spot.models import OndemandPriceSnapshot, SpotPriceHour, SpotPriceRollup, SpotPriceSnapshot
from backend.spot.services.price_hours import first_reliable_hour, rolls_up, start_of

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

    def starts(self, now: datetime | None = None) -> datetime:
        """When the period begins that ends now."""
        return (now or utc_now()) - timedelta(days=self.days)


def _averages(prices: type[SpotPriceSnapshot] | type[OndemandPriceSnapshot], seconds: int, *key: Any) -> Any:
    bucket = BucketNumber(prices.captured_at, seconds).label("bucket")
    return (
        select(bucket, func.avg(prices.price).label("price"), *key)
        .where(prices.captured_at >= bindparam("since"))
        .group_by(bucket, *key)
        .order_by(bucket, *key)
    )


def _of_pools(pool_id: Any) -> Any:
    return pool_id.in_(bindparam("pool_ids", expanding=True, type_=Operand()))


def _added_up(seconds: int, *where: Any) -> Any:
    """Prices that are looked at one by one."""
    bucket = BucketNumber(SpotPriceSnapshot.captured_at, seconds).label("bucket")
    total, prices = func.sum(SpotPriceSnapshot.price).label("total"), func.count().label("prices")
    return (
        select(bucket, SpotPriceSnapshot.pool_id, total, prices)
        .where(_of_pools(SpotPriceSnapshot.pool_id), *where)
        .group_by(bucket, SpotPriceSnapshot.pool_id)
    )


def _hours(seconds: int) -> Any:
    bucket = SpotPriceHour.hour if seconds == HOUR else SpotPriceHour.hour // HOURS_A_DAY
    return select(bucket.label("bucket"), SpotPriceHour.pool_id, SpotPriceHour.total, SpotPriceHour.prices).where(
        _of_pools(SpotPriceHour.pool_id),
        SpotPriceHour.hour >= bindparam("first_hour"),
        SpotPriceHour.prices > ZERO,
        ROLLED_UP_TO > ZERO,
    )


def _with_hours(seconds: int) -> Prepared:
    """The averages of all prices since `since`, most of them by their hours, from `first_hour` at `whole_since` on."""
    time, number = SpotPriceSnapshot.captured_at, SpotPriceSnapshot.id
    known: Any = bindparam("rolled_up_to")
    whole_since: Any = bindparam("whole_since")
    in_hours = number <= func.coalesce(ROLLED_UP_TO, ZERO)
    parts = union_all(
        _hours(seconds),
        # How far the job was a moment ago is a number that the optimizer can reckon with. If it went on since, the
        # other condition leaves out what the hours have; if it began anew, the next part brings the rest.
        _added_up(seconds, time >= whole_since, number > known, ~in_hours),
        _added_up(seconds, time >= whole_since, number <= known, ~in_hours),
        _added_up(seconds, time >= bindparam("since"), time < whole_since),
    ).subquery()
    # Divided as the databases do for AVG, which gives as many digits.
    price = func.sum(parts.c.total).op("/")(func.sum(parts.c.prices))
    key = (parts.c.bucket, parts.c.pool_id)
    return Prepared(
        select(parts.c.bucket, type_coerce(price, NULLTYPE).label("price"), parts.c.pool_id)
        .group_by(*key)
        .order_by(*key)
    )


_STEPS = (HOUR, DAY)
ZERO, HOURS_A_DAY = literal_column("0", Integer()), literal_column("24", Integer())
ROLLED_UP_TO = select(SpotPriceRollup.rolled_up_to).where(SpotPriceRollup.id == literal_column("1")).scalar_subquery()
SPOT = {
    seconds: Prepared(
        _averages(SpotPriceSnapshot, seconds, SpotPriceSnapshot.pool_id).where(_of_pools(SpotPriceSnapshot.pool_id))
    )
    for seconds in _STEPS
}
SPOT_WITH_HOURS = {seconds: _with_hours(seconds) for seconds in _STEPS}
ONDEMAND = {
    seconds: Prepared(
        _averages(OndemandPriceSnapshot, seconds).where(
            OndemandPriceSnapshot.instance_type == bindparam("instance_type"),
            OndemandPriceSnapshot.region == bindparam("region"),
        )
    )
    for seconds in _STEPS
}


def averages_of_pools(
    session: Session, pool_ids: Sequence[str], rolled_up_to: int | None, period: Period
) -> tuple[Prepared, dict[str, Any]]:
    """What to ask for the averages of some pools, of one at least: their rows are for `spot_averages`.

    `rolled_up_to` is what ROLLED_UP_TO was a moment ago. Whatever it was, the answer is right.
    """
    now = utc_now()
    wanted: dict[str, Any] = {"pool_ids": pool_ids, "since": period.starts(now)}
    if not rolls_up(session):
        return SPOT[period.seconds], wanted
    hour = first_reliable_hour(wanted["since"], now)
    wanted |= {"first_hour": hour, "whole_since": start_of(hour), "rolled_up_to": rolled_up_to or 0}
    return SPOT_WITH_HOURS[period.seconds], wanted


def spot_averages(rows: Iterable[Any], period: Period) -> dict[datetime, dict[str, float]]:
    """What was answered about pools: the beginning of each step, oldest first -> id of a pool -> its price."""
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
