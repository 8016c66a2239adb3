"""The timer: one at a time, exact to the second, and whatever happens to the process."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from backend.assistant.services.time_tracking import report, timer
from backend.assistant.services.time_tracking.days import Days
from backend.core.errors import RequestRefusedError
from tests.assistant.tools import Tools, at_once, tools_on

UTC = ZoneInfo("UTC")
MORNING = dt.datetime(2025, 3, 3, 9)


def refused(work: Any) -> int:
    with pytest.raises(RequestRefusedError) as caught:
        work()
    return caught.value.status_code


def test_a_timer_is_started_paused_resumed_and_stopped(tools_anywhere: Tools) -> None:
    tools = tools_anywhere
    project = tools.project(hourly_rate="60.00")
    assert tools.time("status")["state"] == "stopped"
    started = tools.time("start", project_id=project, description="work", tags="a, b")
    assert (started["state"], started["session"]["end_time"], started["session"]["tags"]) == ("running", None, "a, b")
    assert tools.time("pause", reason="lunch")["state"] == "paused"
    assert tools.time("status")["state"] == "paused"
    assert tools.time("resume")["state"] == "running"
    stopped = tools.time("stop", description="done")
    assert (stopped["state"], stopped["session"]["description"]) == ("stopped", "done")
    assert tools.time("status")["session"] is None
    (pause,) = tools.time("breaks")["breaks"]
    assert (pause["reason"], pause["break_type"], pause["session_id"]) == ("lunch", "manual", stopped["session"]["id"])
    (listed,) = tools.time("sessions")["sessions"]
    assert (listed["project"], listed["id"]) == ("Website", stopped["session"]["id"])


def test_what_the_timer_cannot_do_is_refused(tools: Tools) -> None:
    for action in ("pause", "resume", "stop"):
        assert tools.refused("time-tracking", action, 409) == "No timer is running: start one first."
    assert tools.refused("time-tracking", "start", 404, project_id=1) == "There is no project 1."
    project = tools.project()
    tools.time("start", project_id=project)
    assert "stop it first" in tools.refused("time-tracking", "start", 409, project_id=project)
    assert "running" in tools.refused("time-tracking", "resume", 409)
    tools.time("pause")
    assert "paused already" in tools.refused("time-tracking", "pause", 409)
    assert "stop it first" in tools.refused("time-tracking", "start", 409, project_id=project)
    tools.time("stop")
    tools.time("archive_project", project_id=project)
    assert "archived" in tools.refused("time-tracking", "start", 409, project_id=project)
    tools.time("update_project", project_id=project, status="active")
    assert tools.time("start", project_id=project)["state"] == "running"


def test_one_timer_runs_when_many_are_started_at_once(tools_anywhere: Tools) -> None:
    project = tools_anywhere.project()
    for _ in range(2):
        answers = at_once(6, lambda: tools_anywhere.post("time-tracking", "start", project_id=project))
        assert sorted(answer.status_code for answer in answers) == [200, *[409] * 5]
        stops = at_once(3, lambda: tools_anywhere.post("time-tracking", "stop"))
        assert sorted(answer.status_code for answer in stops) == [200, 409, 409]


def test_one_break_begins_when_many_are_begun_at_once(tools_anywhere: Tools) -> None:
    tools_anywhere.time("start", project_id=tools_anywhere.project())
    for action in ("pause", "resume"):
        answers = at_once(4, lambda action=action: tools_anywhere.post("time-tracking", action))  # type: ignore[misc]
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert tools_anywhere.time("breaks")["total"] == 1


def test_a_timer_survives_the_process(tools: Tools) -> None:
    project = tools.project()
    with tools.session() as session:
        timer.start(session, MORNING, project)
        timer.pause(session, MORNING + dt.timedelta(hours=1))
    later = tools.restarted()
    with later.session() as session:
        assert timer.status(session, MORNING + dt.timedelta(hours=5), UTC)["state"] == "paused"
        timer.resume(session, MORNING + dt.timedelta(hours=6))
    with later.restarted().session() as session:
        stopped = timer.stop(session, MORNING + dt.timedelta(hours=8))["session"]
    assert (stopped["duration_seconds"], stopped["break_time_seconds"]) == (3 * 3600, 5 * 3600)


def test_a_rate_that_changes_later_does_not_change_what_was_measured(tools: Tools) -> None:
    project = tools.project(hourly_rate="50.00")
    with tools.session() as session:
        timer.start(session, MORNING, project)
        timer.stop(session, MORNING + dt.timedelta(hours=2))
    tools.time("update_project", project_id=project, hourly_rate="80")
    found = tools.time("report", **{"from": "2025-03-03", "to": "2025-03-03"})
    assert found["total"]["revenue"] == "100.00"


class TimerMachine(RuleBasedStateMachine):
    """Any sequence of actions at any moments, against a model that adds up whole seconds."""

    template: ClassVar[Path]

    @initialize(fraction=st.integers(0, 999_999))
    def begin(self, fraction: int) -> None:
        self.directory = Path(tempfile.mkdtemp())
        shutil.copy(self.template, self.directory / "assistant.sqlite3")
        self.tools = tools_on(f"sqlite:///{self.directory / 'assistant.sqlite3'}", self.directory)
        self.project = self.tools.project(hourly_rate="36.00")
        self.now = MORNING.replace(microsecond=fraction)
        self.state, self.worked, self.total = "stopped", 0, 0
        self.last = MORNING

    def teardown(self) -> None:
        if hasattr(self, "directory"):
            shutil.rmtree(self.directory)

    def call(self, work: Any, *arguments: Any) -> Any:
        with self.tools.session() as session:
            return work(session, self.now, *arguments)

    def moment(self) -> dt.datetime:
        """The model's clock: whole seconds that never go back while a timer is open."""
        return max(self.now.replace(microsecond=0), self.last)

    def pass_on(self) -> None:
        """Count what was worked since the last thing that happened."""
        if self.state == "running":
            self.worked += int((self.moment() - self.last).total_seconds())
        self.last = self.moment()

    @rule(seconds=st.integers(0, 200_000), microseconds=st.integers(0, 999_999))
    def time_passes(self, seconds: int, microseconds: int) -> None:
        self.now += dt.timedelta(seconds=seconds, microseconds=microseconds)

    @precondition(lambda self: self.state != "stopped")
    @rule(seconds=st.integers(1, 100))
    def the_clock_is_set_back(self, seconds: int) -> None:
        self.now -= dt.timedelta(seconds=seconds)

    @rule()
    def start(self) -> None:
        if self.state != "stopped":
            assert refused(lambda: self.call(timer.start, self.project)) == 409
            return
        self.call(timer.start, self.project)
        self.state, self.worked, self.last = "running", 0, self.now.replace(microsecond=0)

    @rule()
    def pause(self) -> None:
        if self.state != "running":
            assert refused(lambda: self.call(timer.pause)) == 409
            return
        self.call(timer.pause)
        self.pass_on()
        self.state = "paused"

    @rule()
    def resume(self) -> None:
        if self.state != "paused":
            assert refused(lambda: self.call(timer.resume)) == 409
            return
        self.call(timer.resume)
        self.pass_on()
        self.state = "running"

    @rule()
    def stop(self) -> None:
        if self.state == "stopped":
            assert refused(lambda: self.call(timer.stop)) == 409
            return
        stopped = self.call(timer.stop)["session"]
        self.pass_on()
        self.state = "stopped"
        self.total += self.worked
        self.now = max(self.now, self.last)
        assert stopped["duration_seconds"] == self.worked
        length = dt.datetime.fromisoformat(stopped["end_time"]) - dt.datetime.fromisoformat(stopped["start_time"])
        assert stopped["duration_seconds"] + stopped["break_time_seconds"] == length.total_seconds()

    @invariant()
    def the_status_is_that_of_the_model(self) -> None:
        if not hasattr(self, "tools"):
            return
        found = self.call(timer.status, UTC)
        assert found["state"] == self.state
        running = int((self.moment() - self.last).total_seconds()) if self.state == "running" else 0
        if self.state != "stopped":
            assert found["session"]["duration_seconds"] == self.worked + running

    @invariant()
    def the_report_counts_every_second_once(self) -> None:
        if not hasattr(self, "tools"):
            return
        at = max(self.now, self.last)
        running = int((self.moment() - self.last).total_seconds()) if self.state == "running" else 0
        expected = self.total + (self.worked + running if self.state != "stopped" else 0)
        with self.tools.session() as session:
            whole = Days(MORNING.date(), at.date(), UTC)
            assert report.seconds_in(session, at, whole) == expected


def test_any_sequence_of_actions_measures_what_the_model_does(migrated: Path) -> None:
    TimerMachine.template = migrated
    run_state_machine_as_test(TimerMachine, settings=settings(max_examples=25, stateful_step_count=20, deadline=None))
