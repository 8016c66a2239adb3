"""A/A: the monolith against itself, without noise learned and without rules: nothing differs, time after time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import RECORDINGS, replay


@pytest.mark.parametrize("turn", range(1, 6))
def test_nothing_differs(tmp_path: Path, turn: int) -> None:
    report = replay(
        tmp_path,
        *sorted(RECORDINGS.glob("*.har")),
        *("--control", "legacy.spot:create_app()", "--candidate", "legacy.spot:create_app()"),
        *("--noise-runs", "0"),
    )
    summary = report["summary"]
    assert report["differences"] == []
    assert (summary["exchanges"], summary["different"], summary["accepted"], summary["errors"]) == (1559, 0, 0, 0)
