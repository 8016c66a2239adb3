"""The assistant answers as its predecessor did, except where the registry says why not: control is the recording."""

from __future__ import annotations

from pathlib import Path

from tests.support.cli import ROOT, replay

RECORDINGS = sorted((ROOT / "tests" / "recordings" / "assistant").glob("*.har"))


def test_every_difference_to_the_recordings_is_explained(tmp_path: Path) -> None:
    candidate = ("--candidate", "backend:create_app('assistant')", "--domain", "assistant")
    surroundings = {"DATA_DIR": str(tmp_path / "data"), "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    report = replay(tmp_path, *RECORDINGS, "--control", "recording", *candidate, **surroundings)
    assert report["differences"] == []
    assert report["summary"]["errors"] == 0
    assert report["summary"]["exchanges"] == 63
    # Two thirds of the recordings show placeholders, or calls that had been dropped.
    assert report["summary"]["equal"] >= 15
