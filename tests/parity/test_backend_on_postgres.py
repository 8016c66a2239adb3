"""On PostgreSQL, which the monolith does not know, the backend answers as the monolith does on its own database."""

from __future__ import annotations

from pathlib import Path

from tests.support.cli import RECORDINGS, replay
from tests.support.postgres import PostgreSQL


def test_every_difference_is_meant(tmp_path: Path, postgres: PostgreSQL) -> None:
    report = replay(
        tmp_path / "report",
        *sorted(RECORDINGS.glob("*.har")),
        *("--control", "legacy.spot:create_app()", "--candidate", "backend:create_app"),
        *("--candidate-db", postgres.create_database(), "--reset"),
        SPOT_AUTO_MIGRATE="true",
        SPOT_ADMIN_ACCESS="open",
    )
    assert report["differences"] == []
    assert (report["summary"]["exchanges"], report["summary"]["errors"]) == (1559, 0)
