"""When jobs are due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.scheduler import Schedule, daily, every, hourly

SCHEDULES = st.sampled_from([every(seconds=10), every(seconds=300), hourly(10), daily(0, 5), daily(23, 59)])
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2037, 1, 1))


@pytest.mark.parametrize(
    ("schedule", "text", "latest", "following"),
    [
        (daily(0, 5), "daily at 00:05 UTC", "2026-03-01T00:05:00", "2026-03-02T00:05:00"),
        (daily(13), "daily at 13:00 UTC", "2026-02-28T13:00:00", "2026-03-01T13:00:00"),
        (hourly(10), "hourly at :10", "2026-03-01T12:10:00", "2026-03-01T13:10:00"),
        (every(seconds=300), "every 5 min", "2026-03-01T12:30:00", "2026-03-01T12:35:00"),
        (every(seconds=10), "every 10 s", "2026-03-01T12:34:50", "2026-03-01T12:35:00"),
    ],
)
def test_slots_are_steps_of_utc(schedule: Schedule, text: str, latest: str, following: str) -> None:
    now = datetime(2026, 3, 1, 12, 34, 56, 789)
    assert str(schedule) == text
    assert schedule.latest(now) == datetime.fromisoformat(latest)
    assert schedule.next(now) == datetime.fromisoformat(following)


@given(SCHEDULES, MOMENTS)
def test_every_moment_lies_between_two_slots(schedule: Schedule, now: datetime) -> None:
    latest = schedule.latest(now)
    assert latest <= now < schedule.next(now) == latest + timedelta(seconds=schedule.period)
    assert schedule.latest(latest) == latest


@given(SCHEDULES, MOMENTS)
def test_apscheduler_means_the_same_slots(schedule: Schedule, now: datetime) -> None:
    fires_at = schedule.trigger().get_next_fire_time(None, now.replace(tzinfo=UTC))
    due = schedule.latest(now)
    assert fires_at.replace(tzinfo=None) == (now if due == now else schedule.next(now))
