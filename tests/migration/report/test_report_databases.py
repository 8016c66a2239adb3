"""What reports say of both sides' databases."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from jsonschema import Draft202012Validator
from rich.console import Console

from migration.compare.verdict import MISSING, Kind, RowDifference, Rule
from migration.replay.events import Event, StateCompared
from migration.report.formats import exit_status, write_report
from migration.report.limits import Limits
from migration.report.model import Report
from migration.report.terminal import print_report
from migration.state.verdict import AcceptedRows, IgnoredTable, StateVerdict, TableVerdict
from tests.migration.report.replayed import report_of, run, verdict

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "report.schema.json").read_text())
SECRET = "hunter2-hunter2"
RULE = Rule("", "", "Prices are rounded.", "They were wrong.", "shop", "permanent", table="lines", column="price")
ORDERS = TableVerdict("orders", 7, 7, equal=7)
LINES = TableVerdict(
    table="lines",
    control_rows=10,
    candidate_rows=9,
    equal=5,
    accepted=2,
    noise=1,
    different=2,
    found=3,
    differences=(
        RowDifference("lines", (("id", 4),), "facts.colour", Kind.VALUE, "red", "<b>blue</b>"),
        RowDifference("lines", (("id", 4),), "api_token", Kind.BINDING, SECRET, "other", f"{SECRET} is not known"),
        RowDifference("lines", (("id", 9),), "", Kind.MISSING, {"id": 9, "password": SECRET}, MISSING),
    ),
    explained=(AcceptedRows(RULE, 2, RowDifference("lines", (("id", 1),), "price", Kind.VALUE, 1.234, 1.2)),),
)
EQUAL = StateVerdict((ORDERS,))
DIFFERENT = StateVerdict(
    (LINES, ORDERS), (IgnoredTable("alembic_version", "the schema's version"),), ("Only candidate has x in orders.",)
)


def events(*states: StateVerdict) -> list[Event]:
    """A run in which every answer is equal, with what its databases showed after each recording."""
    (*before, finished) = run([verdict()], rules=(RULE,))
    return [*before, *(StateCompared(f"rec-{n}", state) for n, state in enumerate(states)), finished]


def document(tmp_path: Path, report: Report) -> dict[str, Any]:
    (path,) = write_report(report, tmp_path, ["json"])
    read: dict[str, Any] = json.loads(path.read_text())
    Draft202012Validator(SCHEMA).validate(read)
    return read


def printed(report: Report) -> str:
    console = Console(file=io.StringIO(), width=120)
    print_report(console, report)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_databases_that_agree_are_part_of_parity() -> None:
    report = report_of(events(EQUAL, EQUAL))
    assert (report.parity, exit_status(report)) == (True, 0)
    assert report.sentence == "Parity: 1 exchange over 1 route, 14 rows in 1 table, no unexplained difference."
    assert "Databases: 14 rows in 1 table, no unexplained difference." in printed(report)


def test_a_table_that_differs_is_no_parity() -> None:
    report = report_of(events(EQUAL, DIFFERENT))
    assert (report.parity, exit_status(report)) == (False, 1)
    assert report.sentence == "3 differences in 1 table of the databases."


def test_without_databases_nothing_is_said_of_them() -> None:
    report = report_of(events())
    assert report.sentence == "Parity: 1 exchange over 1 route, no unexplained difference."
    assert "atabase" not in printed(report)


def test_databases_that_could_not_be_compared_are_no_parity(tmp_path: Path) -> None:
    report = report_of(events(StateVerdict(error="mysql://x: Access denied.")))
    assert exit_status(report) == 1
    assert "The databases could not be compared: rec-0: mysql://x: Access denied." in printed(report)
    (path,) = write_report(report, tmp_path, ["junit"])
    suites = ElementTree.parse(path).getroot()
    assert suites.get("errors") == "1"


def test_json_holds_counts_and_differences_of_all_recordings(tmp_path: Path) -> None:
    state = document(tmp_path, report_of(events(EQUAL, DIFFERENT)))["databases"]
    assert (state["compared"], state["found"], state["equal"]) == (2, 3, False)
    assert [(table["table"], table["equal"], table["different"]) for table in state["tables"]] == [
        ("lines", 5, 2),
        ("orders", 14, 0),
    ]
    first = state["differences"][0]
    assert (first["recording"], first["table"], first["place"], first["key"]) == (
        "rec-1",
        "lines",
        "facts.colour",
        {"id": 4},
    )
    assert state["accepted"][0]["count"] == 2
    assert state["ignored"] == [{"table": "alembic_version", "reason": "the schema's version"}]


def test_rules_on_tables_are_among_the_rules(tmp_path: Path) -> None:
    (rule,) = document(tmp_path, report_of(events(DIFFERENT)))["rules"]
    assert (rule["used"], rule["rule"]["table"], rule["rule"]["column"]) == (2, "lines", "price")


def test_junit_has_a_case_for_each_table(tmp_path: Path) -> None:
    (path,) = write_report(report_of(events(DIFFERENT)), tmp_path, ["junit"])
    root = ElementTree.parse(path).getroot()
    suite = root.find("testsuite[@name='databases']")
    assert suite is not None
    assert {case.get("name"): case.find("failure") is not None for case in suite} == {"lines": True, "orders": False}
    assert (root.get("tests"), root.get("failures"), suite.get("failures")) == ("3", "1", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert 'rec-0: lines.facts.colour (value) at id=4: "red" → "<b>blue</b>"' in (failure.text or "")


def test_the_terminal_shows_tables_that_differ_and_where() -> None:
    shown = printed(report_of(events(DIFFERENT)))
    assert "1x lines.facts.colour (value)" in shown
    assert "1x lines: missing row" in shown
    assert [line.split() for line in shown.splitlines() if line.startswith("lines ")] == [
        ["lines", "10", "9", "5", "2", "1", "2"]
    ]


def test_the_page_shows_tables_and_differences(tmp_path: Path) -> None:
    (path,) = write_report(report_of(events(DIFFERENT)), tmp_path, ["html"])
    page = path.read_text()
    assert '<section id="databases"' in page
    assert "lines.facts.colour" in page
    assert "They were wrong." in page
    assert "<b>blue</b>" not in page


def test_secrets_are_shown_nowhere(tmp_path: Path) -> None:
    report = report_of(events(DIFFERENT))
    for path in write_report(report, tmp_path):
        assert SECRET not in path.read_text()
    assert SECRET not in printed(report)


def test_counts_go_on_beyond_what_is_kept(tmp_path: Path) -> None:
    state = document(tmp_path, report_of(events(DIFFERENT, DIFFERENT), Limits(rows=4)))["databases"]
    assert (state["found"], len(state["differences"])) == (6, 4)
