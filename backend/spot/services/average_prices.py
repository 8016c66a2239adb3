"""Averages of the prices that agents saw, by hour or by day.

Spot prices are many, so a job adds them up by the hour (upkeep/price_rollup.py). What is averaged here is always all
prices of the period, as if nothing were rolled up: the hours that lie in it as a whole, the prices that are not rolled
up yet, and those of the hour in which the period begins.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Integer, bindparam, func, literal_column, select, type_coerce, union_all

from backend.core.clock import utc_now
from backend.core.collation import fold
from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.core.strict_types import Operand, StrictDecimal
from backend.core.time_buckets import DAY, HOUR, BucketNumber, bucket_start
from backend.spot.models import OndemandPriceSnapshot, SpotPriceHour, SpotPriceRollup, SpotPriceSnapshot
from backend.spot.services.price_hours import first_reliable_hour, rolls_up, start_of

DIGITS, MOST_DIGITS = 10, 32
LAST_DIGIT = 10**DIGITS

#: Number of a bucket -> id of a pool -> its price.
Buckets = dict[int, dict[str, float]]


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
    return (
        select(bucket, SpotPriceSnapshot.pool_id, _total(func.sum(SpotPriceSnapshot.price)), func.count())
        .where(_of_pools(SpotPriceSnapshot.pool_id), *where)
        .group_by(bucket, SpotPriceSnapshot.pool_id)
    )


def _total(sum_of_prices: Any) -> Any:
    """With as many digits as an average, where an adopted database has prices of so many."""
    return type_coerce(sum_of_prices, StrictDecimal(MOST_DIGITS, DIGITS)).label("total")


def _hours(seconds: int) -> Any:
    wanted = (
        _of_pools(SpotPriceHour.pool_id),
        SpotPriceHour.hour >= bindparam("first_hour"),
        SpotPriceHour.prices > ZERO,
        ROLLED_UP_TO > ZERO,
    )
    if seconds == HOUR:
        hour = SpotPriceHour.hour.label("bucket")
        return select(hour, SpotPriceHour.pool_id, _total(SpotPriceHour.total), SpotPriceHour.prices).where(*wanted)
    day = (SpotPriceHour.hour // HOURS_A_DAY).label("bucket")
    return (
        select(day, SpotPriceHour.pool_id, _total(func.sum(SpotPriceHour.total)), func.sum(SpotPriceHour.prices))
        .where(*wanted)
        .group_by(day, SpotPriceHour.pool_id)
    )


def _with_hours(seconds: int) -> Prepared:
    """All prices since `since` added up, most of them by their hours, from `first_hour` at `whole_since` on.

    A bucket of a pool may come in parts. One statement, so that all parts are of one moment; but to have the parts
    added up there, all would have to be put aside and sorted, and nearly all are whole.
    """
    time, number = SpotPriceSnapshot.captured_at, SpotPriceSnapshot.id
    known: Any = bindparam("rolled_up_to")
    whole_since: Any = bindparam("whole_since")
    in_hours = number <= func.coalesce(ROLLED_UP_TO, ZERO)
    return Prepared(
        union_all(
            _hours(seconds),
            # How far the job was a moment ago is a number that the optimizer can reckon with. If it went on since, the
            # other condition leaves out what the hours have; if it began anew, the next part brings the rest.
            _added_up(seconds, time >= whole_since, number > known, ~in_hours),
            _added_up(seconds, time >= whole_since, number <= known, ~in_hours),
            _added_up(seconds, time >= bindparam("since"), time < whole_since),
        )
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


class PoolNames(dict[str, str]):
    """Id of a pool as a row has it -> as its pool has it: to the databases they may be the same in other letters."""

    def __init__(self, pool_ids: Sequence[str]) -> None:
        super().__init__()
        self._pools = {fold(pool_id): pool_id for pool_id in pool_ids}

    def __missing__(self, pool_id: str) -> str:
        self[pool_id] = self._pools.get(fold(pool_id), pool_id)
        return self[pool_id]


@dataclass(frozen=True)
class Question:
    """What to ask for the averages of pools, and how to read the rows that are answered."""

    query: Prepared
    wanted: dict[str, Any]
    _by_bucket: Callable[[Iterable[Any], PoolNames], Buckets]
    _seconds: int

    def averages(self, rows: Iterable[Any]) -> dict[datetime, dict[str, float]]:
        """The beginning of each step, oldest first -> id of a pool, as asked for -> its price in dollars an hour."""
        buckets = self._by_bucket(rows, PoolNames(self.wanted["pool_ids"]))
        return {bucket_start(bucket, self._seconds): buckets[bucket] for bucket in sorted(buckets)}


def averages_of_pools(session: Session, pool_ids: Sequence[str], rolled_up_to: int | None, period: Period) -> Question:
    """What to ask for the averages of some pools, of one at least.

    `rolled_up_to` is what ROLLED_UP_TO was a moment ago. Whatever it was, the answer is right.
    """
    now = utc_now()
    wanted: dict[str, Any] = {"pool_ids": pool_ids, "since": period.starts(now)}
    if not rolls_up(session):
        return Question(SPOT[period.seconds], wanted, _averaged, period.seconds)
    hour = first_reliable_hour(wanted["since"], now)
    wanted |= {"first_hour": hour, "whole_since": start_of(hour), "rolled_up_to": rolled_up_to or 0}
    return Question(SPOT_WITH_HOURS[period.seconds], wanted, _divided, period.seconds)


def _averaged(rows: Iterable[Any], names: PoolNames) -> Buckets:
    buckets: Buckets = defaultdict(dict)
    for bucket, price, pool_id in rows:
        buckets[bucket][names[pool_id]] = rounded(price)
    return buckets


def _divided(rows: Iterable[Any], names: PoolNames) -> Buckets:
    """Of totals and how many prices made them, in parts."""
    parts: dict[str, dict[int, tuple[float, int]]] = defaultdict(dict)
    for bucket, pool_id, total, prices in rows:
        of_pool = parts[names[pool_id]]
        if bucket in of_pool:
            known = of_pool[bucket]
            total, prices = total + known[0], prices + known[1]
        of_pool[bucket] = total, prices
    buckets: Buckets = defaultdict(dict)
    for pool_id in sorted(parts):
        for bucket, (total, prices) in parts[pool_id].items():
            buckets[bucket][pool_id] = average(total, int(prices))
    return buckets


def average(total: float, prices: int) -> float:
    """The average of `prices` prices that make `total`, rounded half up as MySQL does for AVG, whose digits it has."""
    # Whole numbers: a quotient of floats would be rounded to either side where it lies in the middle.
    return (2 * round(total * LAST_DIGIT) + prices) // (2 * prices) / LAST_DIGIT


def ondemand_averages(rows: Iterable[Any], period: Period) -> dict[datetime, float]:
    """What ONDEMAND answered: the beginning of each step, oldest first -> the average price in dollars an hour."""
    return {bucket_start(bucket, period.seconds): rounded(price) for bucket, price in rows}


def rounded(average: Any) -> float:
    """As many digits as MySQL gives an average of prices."""
    return round(float(average), DIGITS)
