"""Reports as files: JSON against its schema, JUnit through an XML parser, atomic writing."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from migration.compare.verdict import MISSING, Difference, Kind
from migration.recording.exchange import Response
from migration.report import formats
from migration.report.formats import FORMATS, write_report
from migration.report.limits import Limits
from tests.migration.report.replayed import CONFIG, different, report_of, response, run, typical_run, verdict

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "report.schema.json").read_text())
CONTROLS = "".join(map(chr, range(32))) + "\x7f\x85\u2028\ufffe\uffff\ud800 ]]> </failure> <![CDATA[ & \" '"


def written(tmp_path: Path, report, name: str) -> str:
    (path,) = write_report(report, tmp_path, [name])
    return path.read_text(encoding="utf-8")


def as_json(tmp_path, events, limits: Limits | None = None) -> dict:
    document = json.loads(written(tmp_path, report_of(events, limits), "json"))
    Draft202012Validator(SCHEMA).validate(document)
    return document


def as_xml(tmp_path, events) -> ElementTree.Element:
    return ElementTree.fromstring(written(tmp_path, report_of(events), "junit"))


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(SCHEMA)


class TestJson:
    def test_a_typical_run_fits_the_schema(self, tmp_path):
        document = as_json(tmp_path, typical_run())
        assert document["schema"] == "cutover-report/1"
        assert document["summary"] == {
            "exchanges": 66,
            "equal": 40,
            "accepted": 3,
            "noise": 6,
            "different": 16,
            "errors": 1,
            "differences": 23,
        }
        assert len(document["routes"]) == 6
        assert len(document["differences"]) == 23
        assert document["verdict"]["parity"] is False
        assert document["run"]["started"] == "2026-11-21T03:30:00.000000Z"

    @pytest.mark.parametrize("events", [run([]), run([verdict()], finished=False), run([verdict(error="x")])])
    def test_runs_that_went_wrong_fit_the_schema(self, tmp_path, events):
        assert as_json(tmp_path, events)["verdict"]["parity"] is False

    def test_a_difference_tells_all_there_is_to_know(self, tmp_path):
        event = different(
            17, "body.rows[3].id", "a", MISSING, kind=Kind.MISSING, detail="Gone.", label="poll", session="s-1"
        )
        (found,) = as_json(tmp_path, run([event]))["differences"]
        curl = found.pop("curl")
        assert curl.startswith("curl ") and "http://127.0.0.1:5001/api/agents/a-17/config" in curl
        assert found == {
            "route": CONFIG,
            "location": "body.rows[3].id",
            "kind": "missing",
            "control": "a",
            "candidate": "(missing)",
            "detail": "Gone.",
            "exchange": {"recording": "agent-real", "index": 17, "label": "poll", "session": "s-1"},
            "request": {"method": "GET", "target": "/api/agents/a-17/config"},
            "cause": 1,
        }

    def test_holds_whatever_values_there_are(self, tmp_path):
        values = [float("nan"), float("inf"), 10**400, CONTROLS, {"a": [None, True]}, b"bytes"]
        events = run(different(index, was=value, now=None) for index, value in enumerate(values))
        found = [difference["control"] for difference in as_json(tmp_path, events)["differences"]]
        assert found[:3] == ["nan", "inf", 10**400]
        assert found[4] == {"a": [None, True]}

    def test_says_what_it_left_out(self, tmp_path):
        document = as_json(tmp_path, run(different(index) for index in range(9)), Limits(findings=4, details=2))
        assert document["omitted"] == {"differences": 5, "exchanges": 7, "errors": 0, "differences_without_cause": 0}


class TestJUnit:
    def test_a_suite_is_a_route_and_a_case_an_exchange(self, tmp_path):
        root = as_xml(tmp_path, typical_run())
        assert root.attrib["tests"] == "66" and root.attrib["failures"] == "16" and root.attrib["errors"] == "1"
        suites = {suite.get("name"): suite for suite in root}
        assert len(suites) == 6
        config = suites[CONFIG]
        assert (config.get("tests"), config.get("failures"), len(config.findall("testcase"))) == ("12", "12", 12)
        case = config.find("testcase")
        assert case.get("name") == "agent-real #40 poll config"
        assert case.find("failure").get("message") == 'body.risk_threshold (type): 0.3 → "0.30" - A number became text.'

    def test_what_could_not_be_compared_is_an_error(self, tmp_path):
        error = as_xml(tmp_path, run([verdict(error="candidate: connection refused")])).find(".//error")
        assert error.get("message") == "candidate: connection refused"

    def test_names_every_place_that_differs(self, tmp_path):
        places = tuple(Difference(f"body.f{number}", Kind.VALUE, number, -number) for number in range(12))
        text = as_xml(tmp_path, run([verdict(differences=places)])).find(".//failure").text
        assert text.splitlines() == [*(f"body.f{n} (value): {n} → {-n}" for n in range(10)), "and 2 more"]

    def test_tells_what_was_accepted_and_what_was_noise(self, tmp_path):
        outputs = {element.text for element in as_xml(tmp_path, typical_run()).iter("system-out")}
        accepted, noise = sorted(outputs)
        assert accepted.startswith("accepted: status: The old server always failed here")
        assert noise == "noise: body.up"

    def test_is_xml_whatever_the_bodies_hold(self, tmp_path):
        hostile = different(0, CONTROLS, CONTROLS, "x", detail=CONTROLS, label=CONTROLS, route=f"GET /{CONTROLS}")
        root = as_xml(tmp_path, run([hostile, verdict(1, error=CONTROLS)]))
        assert "]]> </failure>" in root.find(".//failure").text
        assert "\\x00" in root.find(".//error").text


class TestWriting:
    def test_writes_what_is_asked_for_under_fixed_names(self, tmp_path):
        report = report_of(typical_run())
        directory = tmp_path / "new" / "reports"
        assert write_report(report, directory, ["junit", "json", "json"]) == [
            directory / "junit.xml",
            directory / "report.json",
        ]
        assert sorted(path.name for path in directory.iterdir()) == ["junit.xml", "report.json"]
        assert len(write_report(report, directory)) == len(FORMATS) == 3

    def test_refuses_unknown_formats_before_writing(self, tmp_path):
        with pytest.raises(ValueError, match="no report format 'pdf'; there are html, json, junit"):
            write_report(report_of(run([])), tmp_path / "out", ["json", "pdf"])
        assert not (tmp_path / "out").exists()

    def test_a_failure_leaves_the_old_file_and_nothing_else(self, tmp_path, monkeypatch):
        (tmp_path / "report.json").write_text("old")

        def failing(report):
            yield "half"
            raise OSError("disk full")

        monkeypatch.setitem(formats._FORMATS, "json", ("report.json", failing))
        with pytest.raises(OSError, match="disk full"):
            write_report(report_of(run([])), tmp_path, ["json"])
        assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]

    def test_others_may_read_it_as_far_as_the_umask_allows(self, tmp_path):
        plain = tmp_path / "plain"
        plain.touch()
        (path,) = write_report(report_of(run([])), tmp_path, ["json"])
        assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)

    def test_a_lone_surrogate_costs_no_report(self, tmp_path):
        body = Response(200, (("Content-Type", "application/json"),), b'{"x": "\\ud800"}')
        events = run([different(0, "body.x", "\ud800", "y", control=body, candidate=response({"x": "y"}))])
        assert len(write_report(report_of(events), tmp_path)) == 3
