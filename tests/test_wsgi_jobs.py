"""Jobs of both sides under gunicorn, and what operators reach behind the proxy."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from legacy import shim
from migration.ledger import Ledger, LedgerError, State
from migration.ledger.job_rollout import promote_jobs
from tests.support.mariadb import MariaDB
from tests.support.waiting import eventually
from tests.test_wsgi import get, running


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {
        "SPOT_DATABASE_URL": f"sqlite:///{tmp_path / 'spot.sqlite3'}",
        "CUTOVER_LEDGER_URL": f"sqlite:///{tmp_path / 'ledger.sqlite3'}",
        "CUTOVER_EXPOSE_OWNER": "yes",
        "BACKGROUND_JOBS": "on",
        "JOB_RENEWAL_SECONDS": "1",
    }


def rows(environ: dict[str, str], query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(environ["SPOT_DATABASE_URL"].removeprefix("sqlite:///"), timeout=30) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"])
def test_operators_reach_the_native_side_behind_the_proxy(environ: dict[str, str], path: str) -> None:
    with running(environ) as url:
        eventually(lambda: get(f"{url}{path}")[:2] == (200, "native"))
        assert get(f"{url}/nothing")[:2] == (404, "legacy")


@pytest.mark.parametrize("options", [["--workers=2"], ["--workers=2", "--preload"]], ids=["workers load", "preload"])
def test_a_job_runs_natively_once_it_is_handed_over(environ: dict[str, str], options: list[str]) -> None:
    ledger = Ledger(environ["CUTOVER_LEDGER_URL"])
    with running(environ, *options) as url:
        get(f"{url}/health")
        eventually(lambda: rows(environ, "SELECT COUNT(*) FROM job_leases") == [(10,)])
        jobs = {job.name: job for job in ledger.jobs("spot")}
        assert {job.state for job in jobs.values()} == {State.LEGACY}
        assert {job.by_hand for job in jobs.values()} == {()}
        assert jobs["agent-health"].replaces == ("check_agent_health",)
        rows(environ, "UPDATE job_leases SET due_at = '2026-01-01 00:00:00.000000'")
        promote_jobs(ledger, "spot", ["replica-coordinator"], who="tests", why="to see it", legacy_stopped=False)
        eventually(lambda: rows(environ, "SELECT COUNT(*) FROM job_runs") >= [(1,)])
        assert set(rows(environ, "SELECT name FROM job_runs")) == {("replica-coordinator",)}, "the others are not ours"
        assert b'backend_job_owned{domain="spot",job="replica-coordinator"} 1.0' in get(f"{url}/metrics")[2]
        assert b'backend_job_owned{domain="spot",job="agent-health"} 0.0' in get(f"{url}/metrics")[2]
        slots = rows(environ, "SELECT due_at FROM job_runs")
        assert len(slots) == len(set(slots))


def test_another_monolith_has_to_be_stopped_by_hand(environ: dict[str, str]) -> None:
    ledger = Ledger(environ["CUTOVER_LEDGER_URL"])
    with (
        shim.serve("legacy.spot:create_app()", env=environ) as upstream,
        running({**environ, "CUTOVER_UPSTREAM": upstream}) as url,
    ):
        get(f"{url}/health")
        jobs = {job.name: job for job in ledger.jobs("spot")}
    assert jobs["agent-health"].by_hand == ("the monolith's check_agent_health",)
    assert jobs["price-deduplication"].by_hand == ()
    with pytest.raises(LedgerError, match="First switch off: the monolith's check_agent_health"):
        promote_jobs(ledger, "spot", ["agent-health"], who="tests", why="", legacy_stopped=False)


def test_events_of_the_database_have_to_be_stopped_by_hand(environ: dict[str, str], mariadb: MariaDB) -> None:
    database = mariadb.create_database()
    with mariadb.connect(database.rpartition("/")[2]) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE EVENT evt_daily_cleanup ON SCHEDULE EVERY 1 DAY DO SELECT 1")
    ledger = Ledger(environ["CUTOVER_LEDGER_URL"])
    with running({**environ, "SPOT_DATABASE_URL": database, "SPOT_AUTO_MIGRATE": "true"}) as url:
        eventually(lambda: get(f"{url}/readyz")[0] == 200)
    jobs = {job.name: job for job in ledger.jobs("spot")}
    event = "the database's event evt_daily_cleanup (ALTER EVENT evt_daily_cleanup DISABLE)"
    assert jobs["data-cleanup"].by_hand == (event,)
    assert jobs["data-cleanup"].replaces == ("cleanup_old_data", "evt_daily_cleanup")
    assert jobs["agent-health"].by_hand == ()
