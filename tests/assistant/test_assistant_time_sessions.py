"""What was measured or told can be put right, listed and exported."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest

from backend.assistant.services.time_tracking import timer
from tests.assistant.tools import Tools

DAY = {"from": "2025-03-03", "to": "2025-03-03"}
NINE = dt.datetime(2025, 3, 3, 9)


def measured(tools: Tools, project: int, hours: int = 3, **values: Any) -> int:
    """A session that began at nine; its id."""
    with tools.session() as session:
        timer.start(session, NINE, project, **values)
        return int(timer.stop(session, NINE + dt.timedelta(hours=hours))["session"]["id"])


def test_a_session_is_put_right(tools_anywhere: Tools) -> None:
    tools = tools_anywhere
    number = measured(tools, tools.project(hourly_rate="10.00"))
    dear = tools.project(name="Dear", hourly_rate="40.00")
    changed = tools.time("update_session", session_id=number, end_time="2025-03-03T11:30:00+01:00", project_id=dear)
    assert (changed["duration_seconds"], changed["revenue"]) == (5400, "60.00")
    assert changed["end_time"] == "2025-03-03T10:30:00"
    (listed,) = tools.time("sessions", **DAY)["sessions"]
    assert (listed["project"], listed["duration_seconds"]) == ("Dear", 5400)
    tools.time("delete_session", session_id=number)
    assert tools.time("sessions", **DAY)["total"] == 0


def test_a_forgotten_break_is_taken_out(tools: Tools) -> None:
    number = measured(tools, tools.project())
    lunch = {"session_id": number, "start_time": "2025-03-03T10:00:00", "end_time": "2025-03-03T10:45:00"}
    assert tools.time("add_break", **lunch, reason="lunch")["session_seconds"] == 3 * 3600 - 45 * 60
    assert "at that time already" in tools.refused("time-tracking", "add_break", 409, **lunch)
    outside = {**lunch, "end_time": "2025-03-03T13:00:00"}
    assert tools.refused("time-tracking", "add_break", 422, **outside)[0]["loc"][-1] == "start_time"
    backwards = {**lunch, "end_time": "2025-03-03T09:30:00"}
    assert tools.refused("time-tracking", "add_break", 422, **backwards)[0]["loc"][-1] == "end_time"
    shorter = {"session_id": number, "end_time": "2025-03-03T10:30:00"}
    assert tools.refused("time-tracking", "update_session", 422, **shorter)[0]["loc"][-1] == "start_time"
    assert tools.time("report", **DAY)["total"]["seconds"] == 3 * 3600 - 45 * 60


@pytest.mark.parametrize("end", ["2025-03-03T08:00:00", "2999-01-01T00:00:00", "2027-03-03T08:00:00"])
def test_a_session_ends_after_it_starts_and_not_in_the_future(tools: Tools, end: str) -> None:
    number = measured(tools, tools.project())
    answer = tools.refused("time-tracking", "update_session", 422, session_id=number, end_time=end)
    assert answer[0]["loc"] == ["body", "parameters", "end_time"]


def test_a_session_that_is_open_or_invoiced_is_left_alone(tools: Tools) -> None:
    project = tools.project()
    number = measured(tools, project)
    invoice = tools.finance("invoice_time", project_id=project)
    assert invoice["amount"] == "300.00"
    for action in ("update_session", "delete_session"):
        assert "delete that invoice first" in tools.refused("time-tracking", action, 409, session_id=number)
    opened = tools.time("start", project_id=project)["session"]["id"]
    assert "stop it first" in tools.refused("time-tracking", "delete_session", 409, session_id=opened)


def test_hours_are_told_and_put_right(tools_anywhere: Tools) -> None:
    tools = tools_anywhere
    project = tools.project(hourly_rate="33.33")
    told = tools.time("add_entry", project_id=project, hours="1.50", date="2025-03-03", description="call")
    assert (told["hourly_rate"], told["total_amount"], told["billable"]) == ("33.33", "50.00", True)
    changed = tools.time("update_entry", entry_id=told["id"], hours=2, hourly_rate="50")
    assert (changed["hours"], changed["total_amount"], changed["description"]) == ("2.00", "100.00", "call")
    assert tools.time("entries", project_id=project, **DAY)["entries"] == [changed]
    tools.time("delete_entry", entry_id=told["id"])
    assert tools.time("entries")["total"] == 0
    for hours in (0, 24.01, "0.001", -1):
        tools.refused("time-tracking", "add_entry", 422, project_id=project, hours=hours)


def test_activities_belong_to_the_session_that_is_open(tools: Tools) -> None:
    assert tools.time("log_activity", activity_type="application", application_name="Editor")["session_id"] is None
    opened = tools.time("start", project_id=tools.project())["session"]["id"]
    logged = tools.time("log_activity", activity_type="website", timestamp="2025-03-03T23:30:00Z", duration_seconds=60)
    assert (logged["session_id"], logged["productivity_category"]) == (opened, "neutral")
    assert tools.time("activities")["total"] == 2
    assert tools.time("activities", session_id=opened)["activities"] == [logged]
    assert tools.time("activities", **DAY)["total"] == 1
    assert tools.time("activities", timezone="Europe/Berlin", **DAY)["total"] == 0
    assert tools.refused("time-tracking", "log_activity", 404, activity_type="x", session_id=99)


def test_a_day_has_one_goal(tools_anywhere: Tools) -> None:
    tools = tools_anywhere
    project = tools.project(hourly_rate="100")
    first = tools.time("set_goal", date="2025-03-03")
    assert (first["target_hours"], first["target_revenue"], first["achievement_percent"]) == ("8.00", "1000.00", "0.00")
    again = tools.time("set_goal", date="2025-03-03", target_hours=4, target_revenue=600, notes="report")
    assert (again["id"], again["target_hours"], again["notes"]) == (first["id"], "4.00", "report")
    measured(tools, project)
    tools.time("add_entry", project_id=project, hours=2, date="2025-03-03", billable=False)
    (goal,) = tools.time("goals")["goals"]
    actual = (goal["actual_hours"], goal["actual_billable_hours"], goal["actual_revenue"])
    assert actual == ("5.00", "3.00", "300.00")
    assert goal["achievement_percent"] == "75.00"
    tools.time("set_goal", date="2025-03-04", target_hours=0, target_revenue=0)
    assert [row["achievement_percent"] for row in tools.time("goals")["goals"]] == ["100.00", "75.00"]


def test_projects_are_the_same_for_both_tools(tools: Tools) -> None:
    made = tools.time("create_project", name="B")
    assert (made["hourly_rate"], made["color"], made["status"]) == ("100.00", "#ff0000", "active")
    tools.finance("create_project", name="A")
    changed = tools.time("update_project", project_id=made["id"], name="C", total_budget="10.5")
    assert (changed["name"], changed["total_budget"]) == ("C", "10.50")
    assert tools.time("archive_project", project_id=made["id"])["status"] == "archived"
    assert tools.finance("projects") == tools.time("projects")
    assert [row["name"] for row in tools.finance("projects")["projects"]] == ["A", "C"]
    assert [row["name"] for row in tools.time("projects", status="active")["projects"]] == ["A"]
    assert "archived" in tools.refused("time-tracking", "add_entry", 409, project_id=made["id"], hours=1)


def test_an_export_can_be_read_back_and_holds_no_formula(tools_anywhere: Tools) -> None:
    tools = tools_anywhere
    project = tools.project(name="=cmd|' /C calc'!A0", client_name='Ann, "the" client', hourly_rate="20.00")
    number = measured(tools, project, description="-1+1\nsecond line", tags="@x")
    tools.time("add_entry", project_id=project, hours="0.25", date="2025-03-02", description="call", billable=False)
    file = tools.time("export_csv", **{"from": "2025-03-01", "to": "2025-03-31"})
    entry, session = csv.DictReader(io.StringIO(file["csv"], newline=""))
    assert (file["rows"], file["content_type"]) == (2, "text/csv; charset=utf-8")
    assert (entry["kind"], entry["seconds"], entry["billable"], entry["revenue"]) == ("entry", "900", "false", "0.00")
    assert (session["kind"], session["id"], session["seconds"]) == ("session", str(number), "10800")
    assert (session["start_utc"], session["revenue"]) == ("2025-03-03T09:00:00", "60.00")
    assert session["client"] == 'Ann, "the" client'
    assert (session["project"][0], session["description"], session["tags"]) == ("'", "'-1+1\nsecond line", "'@x")


def test_recorded_calls_still_succeed_or_are_refused_clearly(tools: Tools) -> None:
    assert tools.refused("time-tracking", "start", 404, project_id=1, description="work") == "There is no project 1."
    assert tools.refused("time-tracking", "stop", 409) == "No timer is running: start one first."
    report = tools.time("report", **{"from": "2025-01-01", "to": "2025-01-31"})
    assert report["total"]["seconds"] == 0
    assert tools.time("projects")["projects"] == tools.time("activities")["activities"] == []
    answer = tools.post("time-tracking", "projects")
    assert answer.json["message"] == "Time tracking action 'projects' processed"
