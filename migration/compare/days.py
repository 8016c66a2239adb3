"""Counts by calendar day, replayed at another time of day: what was on two days may share one, and the reverse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from migration.compare.times import DAY, Clock, parse_time


def same_by_day(control: Sequence[Any], candidate: Sequence[Any], clock: Clock) -> bool:
    """Whether two lists of ``{"date": "2026-11-21", "count": 3, ...}`` can count the same events on their own clocks.

    False where a record is anything else than one date and whole numbers, and where the days are in no order.
    """
    ours, theirs = _days(control), _days(candidate)
    if ours is None or theirs is None:
        return False
    if not any(_ascending([*ours][::step]) and _ascending([*theirs][::step]) for step in (1, -1)):
        return False
    names = {name for counts in (*ours.values(), *theirs.values()) for name in counts}
    if any(counts.keys() != names for counts in (*ours.values(), *theirs.values())):
        return False
    return all(_moved_no_further(_series(ours, name), _series(theirs, name), clock.days_apart()) for name in names)


def _days(records: Sequence[Any]) -> dict[int, dict[str, int]] | None:
    """The counts of each day, days as whole numbers and in the order of ``records``."""
    days: dict[int, dict[str, int]] = {}
    for record in records:
        if not isinstance(record, dict):
            return None
        dates = [_day(value) for value in record.values() if isinstance(value, str)]
        counts = {name: value for name, value in record.items() if type(value) is int}
        if len(dates) != 1 or dates[0] is None or dates[0] in days or len(counts) + 1 != len(record):
            return None
        days[dates[0]] = counts
    return days


def _day(text: str) -> int | None:
    moment = parse_time(text)
    return int(moment.epoch // DAY) if moment is not None and moment.form == "date" else None


def _ascending(days: Sequence[int]) -> bool:
    return all(earlier < later for earlier, later in pairwise(days))


def _series(days: Mapping[int, Mapping[str, int]], name: str) -> Counter[int]:
    return Counter({day: counts[name] for day, counts in days.items()})


def _moved_no_further(ours: Counter[int], theirs: Counter[int], apart: tuple[int, int]) -> bool:
    """Whether control's counts become candidate's when each event moves by a number of days within ``apart``.

    Through any day, candidate has at least what must have come by then, and at most what can have.
    """
    fewest, most = apart
    turns = {*ours, *(day - fewest for day in theirs), *(day - most for day in theirs)}
    return ours.total() == theirs.total() and all(
        _through(theirs, turn + fewest) <= _through(ours, turn) <= _through(theirs, turn + most) for turn in turns
    )


def _through(series: Counter[int], day: int) -> int:
    return sum(count for other, count in series.items() if other <= day)
