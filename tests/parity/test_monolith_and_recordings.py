"""The bundled monolith answers as the real one did: control is the recording, on SQLite and on MariaDB."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import RECORDINGS, replay
from tests.support.mariadb import MariaDB

MONOLITH = "legacy.spot:create_app()"
ALL = sorted(RECORDINGS.glob("*.har"))
#: What the coordinator did in between is part of these; it works by the clock, so they are replayed by the clock.
WITH_COORDINATOR = {"agent-real-replica", "coordinator-live", "frontend-real"}
AS_RECORDED = ("--control", "recording", "--candidate", MONOLITH)
DATABASES = ("sqlite", "mariadb")


def on(database: str, mariadb: MariaDB) -> tuple[str, ...]:
    """Arguments that put the candidate on ``database``."""
    return ("--candidate-db", mariadb.create_database(), "--reset") if database == "mariadb" else ()


@pytest.mark.parametrize("database", DATABASES)
def test_every_difference_to_the_recordings_is_explained(tmp_path: Path, database: str, mariadb: MariaDB) -> None:
    report = replay(tmp_path, *ALL, *AS_RECORDED, *on(database, mariadb))
    assert report["differences"] == []
    assert report["summary"]["errors"] == 0
    assert report["summary"]["exchanges"] == 1559


@pytest.mark.by_the_clock
@pytest.mark.timeout(600)
def test_almost_every_answer_is_the_recorded_one_at_the_recorded_pace(tmp_path: Path, mariadb: MariaDB) -> None:
    """98 of 100 at least; nearly all of the run is waiting, so both databases and all recordings run side by side."""

    def by_the_clock(database: str, name: str) -> dict[str, Any]:
        return replay(
            tmp_path / database / name,
            RECORDINGS / f"{name}.har",
            *AS_RECORDED,
            *on(database, mariadb),
            *("--speed", "1"),
            ENABLE_COORDINATOR="true",
            timeout=500,
        )

    runs = [(database, name) for database in DATABASES for name in sorted(WITH_COORDINATOR)]
    with ThreadPoolExecutor(len(runs)) as pool:
        paced = dict(zip(runs, pool.map(lambda run: by_the_clock(*run), runs), strict=True))
    rest = [path for path in ALL if path.stem not in WITH_COORDINATOR]
    for database in DATABASES:
        fast = replay(tmp_path / database / "rest", *rest, *AS_RECORDED, *on(database, mariadb))
        reports = [fast, *(report for run, report in paced.items() if run[0] == database)]
        assert [difference for report in reports for difference in report["differences"]] == []
        summaries = [report["summary"] for report in reports]
        counted = {key: sum(summary[key] for summary in summaries) for key in ("exchanges", "equal")}
        assert counted["exchanges"] == 1559
        assert counted["equal"] >= 0.98 * counted["exchanges"]


def test_what_happened_on_two_days_may_have_happened_on_one_when_it_is_replayed(tmp_path: Path) -> None:
    """Two switches ten minutes apart, with a midnight between them in the recording, and none most of the day now."""
    har = (RECORDINGS / "client-dashboard.har").read_text()
    for recorded, moved in (("20T03:13:56.705426", "20T23:55:00.705426"), ("21T02:13:57.764830", "21T00:05:00.764830")):
        assert har.count(f"2026-11-{recorded}") == 1
        har = har.replace(f"2026-11-{recorded}", f"2026-11-{moved}")
    (tmp_path / "client-dashboard.har").write_text(har)
    report = replay(tmp_path / "report", tmp_path / "client-dashboard.har", *AS_RECORDED)
    charts = "GET /api/client/<client_id>/stats/charts"
    assert charts in {route["route"] for route in report["routes"]}
    assert [difference for difference in report["differences"] if difference["route"] == charts] == []
