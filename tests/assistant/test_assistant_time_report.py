"""Reports about time: every second counts once, on the right day, and groups add up to the total."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.assistant.services.finance.amounts import earned
from backend.assistant.services.time_tracking import entries, report, timer
from tests.assistant.tools import Tools

SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
NEW_YEAR = dt.datetime(2025, 1, 1)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia")
#: A gap before it, and the lengths of its stretches of work and rest in turn, in seconds; and what it is about.
RUN = st.tuples(
    st.integers(0, 200_000),
    st.lists(st.integers(0, 40_000), min_size=1, max_size=5),
    st.sampled_from([0, 1, 2]),
    st.booleans(),
)
TOLD = st.tuples(st.integers(0, 20), st.integers(1, 2400), st.sampled_from([0, 1, 2]), st.booleans())


def measured(tools: Tools, project: int, start: dt.datetime, *stretches: dt.timedelta, **values: Any) -> dt.datetime:
    """Let the timer run: work, a break, work and so on; when it was stopped."""
    with tools.session() as session:
        timer.start(session, start, project, **values)
        for number, stretch in enumerate(stretches):
            start += stretch
            if number == len(stretches) - 1:
                timer.stop(session, start)
            elif number % 2 == 0:
                timer.pause(session, start)
            else:
                timer.resume(session, start)
    return start


def days(tools: Tools, since: str, until: str, **values: Any) -> dict[str, int]:
    found = tools.time("report", **{"from": since, "to": until}, **values)
    return {group["date"]: group["seconds"] for group in found["groups"]}


def test_a_session_past_midnight_is_split_there(tools_anywhere: Tools) -> None:
    project = tools_anywhere.project(hourly_rate="30.01")
    measured(tools_anywhere, project, dt.datetime(2025, 1, 1, 22), dt.timedelta(hours=5))
    assert days(tools_anywhere, "2025-01-01", "2025-01-31") == {"2025-01-01": 7200, "2025-01-02": 10800}
    assert days(tools_anywhere, "2025-01-02", "2025-01-02") == {"2025-01-02": 10800}
    berlin = days(tools_anywhere, "2025-01-01", "2025-01-31", timezone="Europe/Berlin")
    assert berlin == {"2025-01-01": 3600, "2025-01-02": 14400}
    total = tools_anywhere.time("report", **{"from": "2025-01-01", "to": "2025-01-31"})["total"]
    assert (total["hours"], total["revenue"]) == ("5.00", "150.05")


def test_a_break_over_midnight_is_nobodys(tools: Tools) -> None:
    hour = dt.timedelta(hours=1)
    measured(tools, tools.project(), dt.datetime(2025, 1, 1, 22), hour, 2 * hour, hour)
    assert days(tools, "2025-01-01", "2025-01-31") == {"2025-01-01": 3600, "2025-01-02": 3600}


def test_days_on_which_clocks_change_are_as_long_as_they_are(tools: Tools) -> None:
    project = tools.project()
    measured(tools, project, dt.datetime(2025, 3, 29, 23), dt.timedelta(hours=48))
    spring = days(tools, "2025-03-30", "2025-03-31", timezone="Europe/Berlin")
    assert spring == {"2025-03-30": 23 * 3600, "2025-03-31": 24 * 3600}
    measured(tools, project, dt.datetime(2025, 10, 25, 22), dt.timedelta(hours=25))
    assert days(tools, "2025-10-25", "2025-10-27", timezone="Europe/Berlin") == {"2025-10-26": 25 * 3600}


def test_a_timer_that_runs_counts_up_to_now(tools: Tools) -> None:
    project = tools.project()
    with tools.session() as session:
        timer.start(session, NEW_YEAR, project)
        found = report.report(session, NEW_YEAR + dt.timedelta(minutes=90), ZoneInfo("UTC"))
    assert found["total"]["seconds"] == 5400


@SHARED
@given(
    runs=st.lists(RUN, max_size=5),
    told=st.lists(TOLD, max_size=5),
    zone=st.sampled_from(ZONES),
    cut=st.integers(0, 30),
)
def test_groups_and_periods_add_up_to_what_was_measured(
    tools: Tools, runs: list[Any], told: list[Any], zone: str, cut: int
) -> None:
    for table in ("breaks", "time_sessions", "time_entries", "projects"):
        tools.sql(f"DELETE FROM {table}")
    rates = [Decimal("33.33"), Decimal("100.01"), Decimal("0.07")]
    clients = ["Ann", "Bob", "Ann"]
    projects = [tools.project(name="P", client_name=c, hourly_rate=str(r)) for c, r in zip(clients, rates, strict=True)]
    seconds, worth, at = 0, Decimal(0), NEW_YEAR
    for gap, stretches, which, billable in runs:
        begun = at + dt.timedelta(seconds=gap)
        lengths = [dt.timedelta(seconds=length) for length in stretches]
        at = measured(tools, projects[which], begun, *lengths, billable=billable)
        work = sum(stretches[::2])
        seconds += work
        worth += earned(work, rates[which]) if billable else 0
    with tools.session() as session:
        for day, hundredths, which, billable in told:
            when = dt.date(2025, 1, 1) + dt.timedelta(days=day)
            hours = Decimal(hundredths).scaleb(-2)
            entries.add(session, NEW_YEAR, projects[which], hours, date=when, billable=billable)
            seconds += hundredths * 36
            worth += earned(hundredths * 36, rates[which]) if billable else 0

    first, last = dt.date(2024, 12, 30), dt.date(2025, 3, 1)
    middle = first + dt.timedelta(days=cut)

    def reported(since: dt.date, until: dt.date, group_by: str) -> tuple[int, Decimal]:
        with tools.session() as session:
            found = report.report(session, at, ZoneInfo(zone), group_by, since, until)
        for name in ("seconds", "billable_seconds"):
            assert sum(group[name] for group in found["groups"]) == found["total"][name]
        revenue = Decimal(found["total"]["revenue"])
        assert sum((Decimal(group["revenue"]) for group in found["groups"]), Decimal(0)) == revenue
        return found["total"]["seconds"], revenue

    for group_by in ("day", "project", "client"):
        assert reported(first, last, group_by) == (seconds, worth)
    before, after = reported(first, middle, "day"), reported(middle + dt.timedelta(days=1), last, "day")
    assert (before[0] + after[0], before[1] + after[1]) == (seconds, worth)


def test_groups_are_named(tools: Tools) -> None:
    for name, client in (("A", "Ann"), ("B", "Ann"), ("C", None)):
        tools.time("add_entry", project_id=tools.project(name=name, client_name=client), hours=1)
    by_project = tools.time("report", group_by="project")["groups"]
    assert [(group["project"], group["client_name"], group["hours"]) for group in by_project] == [
        ("A", "Ann", "1.00"),
        ("B", "Ann", "1.00"),
        ("C", None, "1.00"),
    ]
    by_client = tools.time("report", group_by="client")["groups"]
    assert [(group["client_name"], group["seconds"]) for group in by_client] == [(None, 3600), ("Ann", 7200)]


def test_what_is_no_period_is_refused(tools: Tools) -> None:
    for wrong in (
        {"from": "2025-02-01", "to": "2025-01-01"},
        {"from": "1990-01-01", "to": "2025-01-01"},
        {"from": "2025-02-30"},
        {"from": 5},
        {"timezone": "Mars/Olympus"},
        {"timezone": "../etc/passwd"},
        {"group_by": "week"},
    ):
        assert tools.refused("time-tracking", "report", 422, **wrong)[0]["loc"][:2] == ["body", "parameters"]
