"""Counts by calendar day agree with those of another time of day, as far as events may have moved and no further."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.compare.registry import Place, PlaceKind
from tests.support.comparing import NOW, ROUTE, Bench

DAYS = Place(ROUTE, "body", PlaceKind.DAYS, "for the test")
HOUR = 3_600.0
#: Replayed ten days later, and from 03:00 to 00:30: an event of an hour before is of the day before there.
LATE = 10 * 24 * HOUR - 2.5 * HOUR


def days(**counts: int) -> list[dict[str, Any]]:
    """``nov18=2``: two switches on that day of 2026."""
    months = {"nov": 11, "dec": 12}
    return [
        {"date": f"2026-{months[day[:3]]:02d}-{int(day[3:]):02d}", "switches": count} for day, count in counts.items()
    ]


def by_day(events: list[float]) -> list[dict[str, Any]]:
    counts = Counter(datetime.fromtimestamp(event, UTC).date().isoformat() for event in events)
    return [{"date": day, "switches": count, "weight": 3 * count} for day, count in sorted(counts.items())]


def test_two_days_that_share_one_at_another_time_of_day() -> None:
    control, candidate = days(nov18=1, nov20=1, nov21=1), days(nov28=1, nov30=2)
    assert Bench(DAYS, candidate_late=LATE).values(control, candidate) == []
    assert Bench(DAYS, candidate_late=LATE).values(control[::-1], candidate[::-1]) == []
    assert Bench(candidate_late=LATE).values(control, candidate) != []


@pytest.mark.parametrize(
    "candidate",
    [
        days(nov28=1, nov30=1),
        days(nov28=1, nov30=3),
        days(nov28=1, dec2=2),
        days(nov26=1, nov30=2),
        days(nov28=2, nov30=1),
        days(nov30=2, nov28=1),
        [],
        [{"date": "2026-11-28", "switches": 1}, {"date": "2026-11-30", "switches": 2.0}],
        [{"date": "2026-11-28", "switches": 1}, {"date": "2026-11-30", "switches": 2, "mode": "spot"}],
        [{"date": "2026-11-28", "switches": 1}, {"date": "2026-11-30", "switches": 2, "more": 0}],
        [{"date": "2026-11-28T00:00:00", "switches": 1}, {"date": "2026-11-30T00:00:00", "switches": 2}],
        [{"date": "2026-11-28", "switches": 1}, 2],
    ],
)
def test_what_cannot_be_the_same_events_is_different(candidate: list[Any]) -> None:
    assert Bench(DAYS, candidate_late=LATE).values(days(nov18=1, nov20=1, nov21=1), candidate) != []


def test_side_by_side_no_event_moves() -> None:
    assert Bench(DAYS).values(days(nov20=1, nov21=1), days(nov20=1, nov21=1)) == []
    assert Bench(DAYS, candidate_late=1.0).values(days(nov20=1, nov21=1), days(nov20=2)) != []


@given(
    before=st.lists(st.floats(0, 30 * 24 * HOUR), max_size=20),
    later=st.floats(-400 * 24 * HOUR, 400 * 24 * HOUR).filter(lambda seconds: abs(seconds) > 5),
)
def test_the_same_events_are_the_same_whenever_they_are_replayed(before: list[float], later: float) -> None:
    events = [NOW - seconds for seconds in before]
    moved = [event + later for event in events]
    assert Bench(DAYS, candidate_late=later).values(by_day(events), by_day(moved)) == []


@given(
    before=st.lists(st.floats(0, 30 * 24 * HOUR), min_size=1, max_size=20),
    later=st.floats(-400 * 24 * HOUR, 400 * 24 * HOUR).filter(lambda seconds: abs(seconds) > 5),
    astray=st.sampled_from([-2, 2]),
    data=st.data(),
)
def test_an_event_that_moved_by_days_more_is_found(
    before: list[float], later: float, astray: int, data: st.DataObject
) -> None:
    events = [NOW - seconds for seconds in before]
    moved = [event + later for event in events]
    at = data.draw(st.sampled_from(range(len(moved))))
    outermost = max(moved) if astray > 0 else min(moved)
    moved[at] = outermost + timedelta(days=astray).total_seconds()
    assert Bench(DAYS, candidate_late=later).values(by_day(events), by_day(moved)) != []
