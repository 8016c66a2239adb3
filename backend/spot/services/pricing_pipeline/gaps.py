"""What a pool cost in a bucket that nobody measured. Pure: no database, no clock.

How far apart the measured buckets around a gap are, in buckets, says how it is filled:

- at most 2 (short): on the straight line between the two;
- at most 6 (medium): the average of up to 6 measured buckets nearby, the nearer the heavier;
- at most 24 (long): the price before the gap, moved as the pools of the same type and region moved meanwhile (their
  median); on the straight line when none of them tells;
- more: not at all. Nor is anything made up before the first measured bucket or after the last.

Only measured prices count, so filling again fills nothing more, and no guess is built on a guess.
"""

from bisect import bisect_left
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from backend.spot.services.pricing_pipeline.buckets import BUCKET

SHORT, MEDIUM, LONG = 2, 6, 24
CONFIDENCES = {"short": 0.85, "medium": 0.75, "long": 0.7}
NEARBY = timedelta(hours=1)
MOST_NEIGHBOURS = 6
DECIMALS = 6

#: A pool's measured prices by the beginnings of their buckets.
Prices = Mapping[datetime, float]


@dataclass(frozen=True)
class Filling:
    """A price that was worked out for the bucket `at`, between the measured ones at `before` and `after`."""

    at: datetime
    price: float
    before: datetime
    after: datetime
    gap_type: str
    method: str

    @property
    def confidence(self) -> float:
        """How sure the price is, 0 to 1."""
        return CONFIDENCES[self.gap_type]

    @property
    def gap_minutes(self) -> int:
        """How long nobody measured."""
        return int((self.after - self.before) / timedelta(minutes=1))


@dataclass(frozen=True)
class Filled:
    """`gaps_found` counts the buckets without a price; those that could be filled are in `fillings`."""

    gaps_found: int
    fillings: tuple[Filling, ...]


def fill_gaps(
    measured: Prices, known: Container[datetime], peers: Sequence[Prices], start: datetime, end: datetime
) -> Filled:
    """Work out the buckets from `start` to `end` that are not among the `known` ones; both are beginnings of buckets.

    `peers` are the prices of other pools of the same type and region.
    """
    if not measured:
        return Filled(0, ())
    times = sorted(measured)
    missing = [bucket for bucket in _buckets(start, end) if bucket not in known]
    fillings = (_filling(bucket, measured, times, peers) for bucket in missing)
    return Filled(len(missing), tuple(filling for filling in fillings if filling is not None))


def _buckets(start: datetime, end: datetime) -> Iterator[datetime]:
    while start <= end:
        yield start
        start += BUCKET


def _filling(at: datetime, measured: Prices, times: Sequence[datetime], peers: Sequence[Prices]) -> Filling | None:
    after_index = bisect_left(times, at)
    if after_index in (0, len(times)):
        return None
    before, after = times[after_index - 1], times[after_index]
    size = (after - before) / BUCKET
    if size > LONG:
        return None
    price: float | None
    if size <= SHORT:
        gap_type, method, price = "short", "linear", _on_the_line(at, before, after, measured)
    elif size <= MEDIUM:
        gap_type, method, price = "medium", "weighted-average", _average_nearby(at, before, after, measured, times)
    else:
        gap_type, method, price = "long", "cross-pool", _moved_with_peers(at, before, measured, peers)
    if price is None:
        method, price = "linear", _on_the_line(at, before, after, measured)
    return Filling(at, round(price, DECIMALS), before, after, gap_type, method)


def _on_the_line(at: datetime, before: datetime, after: datetime, measured: Prices) -> float:
    elapsed = (at - before) / (after - before)
    return measured[before] + (measured[after] - measured[before]) * elapsed


def _average_nearby(
    at: datetime, before: datetime, after: datetime, measured: Prices, times: Sequence[datetime]
) -> float:
    nearby = [time for time in times if before - NEARBY <= time <= after + NEARBY]
    nearest = sorted(nearby, key=lambda time: (abs(time - at), time))[:MOST_NEIGHBOURS]
    weights = [1 / (abs(time - at).total_seconds() + 1) for time in nearest]
    total = sum(weight * measured[time] for weight, time in zip(weights, nearest, strict=True))
    return total / sum(weights)


def _moved_with_peers(at: datetime, before: datetime, measured: Prices, peers: Sequence[Prices]) -> float | None:
    changes = []
    for peer in peers:
        then, now = _around(peer, before), _around(peer, at)
        if then and now is not None:
            changes.append((now - then) / then)
    return measured[before] * (1 + median(changes)) if changes else None


def _around(prices: Prices, at: datetime) -> float | None:
    """The price in a bucket, or else in the one before or after it."""
    return next((prices[time] for time in (at, at - BUCKET, at + BUCKET) if time in prices), None)
