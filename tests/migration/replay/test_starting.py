"""What sides write while they start is the same moment, however long each of them takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import replay
from tests.support.har import RecordingCaller
from tests.support.late import at_once

AT_ONCE = "tests.support.late:at_once()"


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
