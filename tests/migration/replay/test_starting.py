"""Sides are started no more often than is needed, and what they write meanwhile is the same moment for all."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.support.cli import replay
from tests.support.har import RecordingCaller
from tests.support.late import at_once

AT_ONCE = "tests.support.late:at_once()"
NOTING = """
from pathlib import Path

def create_app(name):
    with Path({starts!r}).open("a") as starts:
        starts.write(name + "\\n")

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"fine"]

    return app
"""


@pytest.mark.parametrize(("candidate", "kinds"), [("slowly", []), ("wrongly", ["time"])])
def test_a_side_that_starts_late_says_the_same(tmp_path: Path, candidate: str, kinds: list[str]) -> None:
    call = RecordingCaller(at_once())
    call("GET", "/started")
    report = replay(
        tmp_path / "report",
        call.write(tmp_path / "started.har"),
        *("--control", AT_ONCE, "--candidate", f"tests.support.late:{candidate}()", "--time-tolerance", "0.5"),
    )
    assert [difference["kind"] for difference in report["differences"]] == kinds
    assert (report["summary"]["exchanges"], report["summary"]["noise"], report["noise"]) == (1, 0, [])


@pytest.mark.parametrize(
    ("noise_runs", "starts"), [(0, {"control": 1, "candidate": 1}), (1, {"control": 2, "candidate": 2})]
)
def test_a_side_is_started_only_to_be_fresh(tmp_path: Path, noise_runs: int, starts: dict[str, int]) -> None:
    noted = tmp_path / "starts"
    (tmp_path / "target_noting.py").write_text(NOTING.format(starts=str(noted)))
    call = RecordingCaller(at_once())
    call("GET", "/started")
    replay(
        tmp_path / "report",
        call.write(tmp_path / "started.har"),
        *("--control", "target_noting:create_app('control')", "--candidate", "target_noting:create_app('candidate')"),
        *("--noise-runs", noise_runs),
        PYTHONPATH=str(tmp_path),
    )
    assert Counter(noted.read_text().split()) == starts
