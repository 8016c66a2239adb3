"""Who may run a job, and what is remembered of it, on each database."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from flask import Flask

from backend.core.database import separate_engine
from backend.core.scheduler import Counts, Job, JobRun, every
from backend.core.scheduler.history import KEPT, Outcome
from backend.core.scheduler.interruptions import JobRefusedError
from backend.core.scheduler.leases import MOST_ATTEMPTS, Claim, Leases
from tests.backend.conftest import Database
from tests.support.jobs import job_app, run_job

ALWAYS = datetime.min


def nothing(_run: JobRun) -> Counts:
    return {"done": 1}


DAILY = Job("daily", every(seconds=86400), nothing, "Does nothing")


@pytest.fixture
def app(database: Database) -> Flask:
    return job_app(database.url, [DAILY])


@pytest.fixture
def leases(app: Flask) -> Iterator[Leases]:
    engine = separate_engine(app.extensions["settings"], patience=10)
    leases = Leases(engine, expiry=60)
    leases.introduce([DAILY])
    yield leases
    engine.dispose()


def expire(database: Database) -> None:
    """Let a minute pass for whoever holds the lease."""
    database.sql("UPDATE job_leases SET expires_at = acquired_at")


def miss_a_slot(database: Database) -> None:
    """Let the last slot that was taken be one of long ago."""
    database.sql("UPDATE job_leases SET due_at = '2026-01-01 00:00:00.000000'")


def taken(leases: Leases) -> Claim:
    seen = leases.states()["daily"]
    claim = leases.claim(seen, seen.due(DAILY.schedule, ALWAYS))
    assert claim is not None
    return claim


def test_a_new_job_waits_for_its_next_slot(leases: Leases) -> None:
    seen = leases.states()["daily"]
    assert seen.due_at == DAILY.schedule.latest(seen.now)
    assert seen.due(DAILY.schedule, ALWAYS) is None


def test_missed_slots_are_made_up_for_once(leases: Leases, database: Database) -> None:
    miss_a_slot(database)
    claim = taken(leases)
    assert claim.due_at == DAILY.schedule.latest(claim.acquired_at)
    leases.release(claim, Outcome.SUCCEEDED, 0.1)
    assert leases.states()["daily"].due(DAILY.schedule, ALWAYS) is None


def test_slots_from_before_a_job_was_handed_over_are_not_ours(leases: Leases, database: Database) -> None:
    miss_a_slot(database)
    seen = leases.states()["daily"]
    assert seen.due(DAILY.schedule, seen.now) is None
    assert seen.due(DAILY.schedule, seen.now - timedelta(days=1)) is not None


def test_only_one_of_many_takes_a_lease(leases: Leases, database: Database) -> None:
    miss_a_slot(database)
    seen = leases.states()["daily"]
    slot = seen.due(DAILY.schedule, ALWAYS)
    with ThreadPoolExecutor(8) as threads:
        claims = list(threads.map(lambda _: leases.claim(seen, slot), range(8)))
    assert len([claim for claim in claims if claim is not None]) == 1
    assert database.sql("SELECT COUNT(*) AS n FROM job_runs") == [{"n": 1}]


def test_a_held_lease_is_renewed_and_given_back(leases: Leases, database: Database) -> None:
    miss_a_slot(database)
    claim = taken(leases)
    held = leases.states()["daily"]
    assert held.is_held
    assert leases.claim(held, held.due_at) is None
    assert leases.renew(claim)
    assert leases.states()["daily"].expires_at >= held.expires_at
    leases.release(claim, Outcome.FAILED, 2.5, None, "broken")
    free = leases.states()["daily"]
    assert (free.holder, free.expires_at, free.runs, free.failures) == (None, None, 1, 1)
    assert not leases.renew(claim)
    (run,) = database.sql("SELECT outcome, duration, error FROM job_runs")
    assert run == {"outcome": "failed", "duration": 2.5, "error": "broken"}


def test_whoever_was_overtaken_has_lost(leases: Leases, database: Database) -> None:
    miss_a_slot(database)
    first = taken(leases)
    expire(database)
    second = taken(leases)
    assert (second.due_at, second.fence) == (first.due_at, first.fence + 1)
    assert not leases.renew(first)
    leases.release(first, Outcome.SUCCEEDED, 1.0)
    assert leases.states()["daily"].is_held, "a release by a stranger does nothing"
    assert leases.states()["daily"].runs == 0
    outcomes = [run["outcome"] for run in database.sql("SELECT outcome FROM job_runs ORDER BY id")]
    assert outcomes == ["abandoned", "running"]


def test_a_slot_that_kills_its_processes_is_given_up(leases: Leases, database: Database) -> None:
    miss_a_slot(database)
    for _ in range(MOST_ATTEMPTS):
        taken(leases)
        expire(database)
    assert leases.states()["daily"].due(DAILY.schedule, ALWAYS) is None
    miss_a_slot(database)
    assert leases.states()["daily"].due(DAILY.schedule, ALWAYS) is not None, "the next slot has its own chances"


def test_what_was_cut_off_is_left_for_others_at_once(leases: Leases, database: Database) -> None:
    miss_a_slot(database)
    claim = taken(leases)
    leases.release(claim, Outcome.STOPPED, 0.5)
    assert taken(leases).due_at == claim.due_at


def test_a_slot_during_a_run_is_skipped_and_counted_once(leases: Leases, database: Database) -> None:
    seen = leases.states()["daily"]
    claim = leases.claim(seen, None)
    assert claim is not None
    miss_a_slot(database)
    seen = leases.states()["daily"]
    slot = seen.due(DAILY.schedule, ALWAYS)
    assert slot is not None
    assert [leases.skip(seen, slot), leases.skip(seen, slot)] == [True, False]
    after = leases.states()["daily"]
    assert (after.skips, after.due(DAILY.schedule, ALWAYS)) == (1, None)
    assert leases.renew(claim), "the run goes on"


def test_the_history_keeps_the_newest_runs(leases: Leases, app: Flask, database: Database) -> None:
    for _ in range(3):
        run_job(app, "daily")
    database.sql("DELETE FROM job_runs WHERE id > 1")
    columns, then = "id, name, holder, started_at, outcome", "'2026-01-01 00:00:00.000000'"
    numbers = range(2, KEPT + 20)
    values = ", ".join(f"({number}, 'daily', 'h', {then}, 'succeeded')" for number in numbers)
    database.sql(f"INSERT INTO job_runs ({columns}) VALUES {values}, (1000, 'other', 'h', {then}, 'failed')")
    if database.product == "postgres":
        database.sql("SELECT setval(pg_get_serial_sequence('job_runs', 'id'), 1000)")
    run_job(app, "daily")
    kept = database.sql("SELECT name, MIN(id) AS oldest, COUNT(*) AS n FROM job_runs GROUP BY name ORDER BY name")
    assert kept == [{"name": "daily", "oldest": 21, "n": KEPT}, {"name": "other", "oldest": 1000, "n": 1}]


def test_a_run_by_hand_takes_no_slot_and_excludes_others(leases: Leases, app: Flask, database: Database) -> None:
    miss_a_slot(database)
    assert run_job(app, "daily").counts == {"done": 1}
    assert leases.states()["daily"].due(DAILY.schedule, ALWAYS) is not None
    taken(leases)
    with pytest.raises(JobRefusedError, match=r"daily is being run by .*; try again later\."):
        run_job(app, "daily")
    expire(database)
    run_job(app, "daily")


def test_nothing_is_run_that_belongs_to_the_other_side(leases: Leases, app: Flask, database: Database) -> None:
    app.extensions["job_owner"] = lambda name: None
    miss_a_slot(database)
    app.extensions["job_runner"].run_if_due(DAILY)
    with pytest.raises(JobRefusedError, match="belongs to the legacy side"):
        run_job(app, "daily")
    assert database.sql("SELECT COUNT(*) AS n FROM job_runs") == [{"n": 0}]
    app.extensions["job_owner"] = lambda name: ALWAYS
    app.extensions["job_runner"].run_if_due(DAILY)
    assert database.sql("SELECT name, outcome FROM job_runs") == [{"name": "daily", "outcome": "succeeded"}]


class TestTransactions:
    """What a run commits, it commits under its lease."""

    def run(self, database: Database, work: object) -> list[dict[str, object]]:
        app = job_app(database.url, [Job("daily", DAILY.schedule, work, "")])  # type: ignore[arg-type]
        app.extensions["job_runner"].run_now(app.extensions["jobs"][0])
        return database.sql("SELECT outcome, counts FROM job_runs ORDER BY id DESC LIMIT 1")

    def test_a_run_that_lost_its_lease_keeps_nothing(self, database: Database) -> None:
        database.sql("CREATE TABLE written (word VARCHAR(20))")

        def work(run: JobRun) -> Counts:
            run.transact(lambda session: _write(session, "kept"))
            database.sql("UPDATE job_leases SET fence = fence + 1")
            run.transact(lambda session: _write(session, "lost"))
            return {}

        assert self.run(database, work)[0]["outcome"] == "running", "its end is the new holder's to note"
        assert database.sql("SELECT word FROM written") == [{"word": "kept"}]

    def test_a_run_ends_when_its_job_is_handed_over(self, database: Database) -> None:
        database.sql("CREATE TABLE written (word VARCHAR(20))")
        app = job_app(database.url, [])

        def work(run: JobRun) -> Counts:
            run.transact(lambda session: _write(session, "kept"))
            app.extensions["job_owner"] = lambda name: None
            run.transact(lambda session: _write(session, "not ours"))
            return {}

        app = job_app(database.url, [Job("daily", DAILY.schedule, work, "")])
        app.extensions["job_runner"].run_now(app.extensions["jobs"][0])
        assert database.sql("SELECT word FROM written") == [{"word": "kept"}]
        assert database.sql("SELECT outcome FROM job_runs") == [{"outcome": "stopped"}]

    def test_an_error_undoes_its_transaction_and_is_noted(self, database: Database) -> None:
        database.sql("CREATE TABLE written (word VARCHAR(20))")

        def work(run: JobRun) -> Counts:
            run.transact(lambda session: (_write(session, "undone"), 1 / 0))
            return {}

        assert self.run(database, work)[0]["outcome"] == "failed"
        assert database.sql("SELECT word FROM written") == []
        assert database.sql("SELECT error FROM job_runs") == [{"error": "division by zero"}]


def _write(session: object, word: str) -> None:
    session.connection().exec_driver_sql(f"INSERT INTO written VALUES ('{word}')")  # type: ignore[attr-defined]
