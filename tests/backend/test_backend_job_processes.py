"""Several processes, one run of each slot; and what happens when one of them, or the database, is gone."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.backend.conftest import Database
from tests.support.cli import ROOT
from tests.support.jobs import job_app
from tests.support.postgres import running_postgres
from tests.support.ticking import ticking_app
from tests.support.waiting import eventually

LONG_AGO = "UPDATE job_leases SET due_at = '2026-01-01 00:00:00.000000'"


@dataclass(frozen=True)
class Tick:
    """A line of the job's log."""

    word: str
    slot: str
    pid: int


@dataclass
class Ticking:
    """Two processes with the same job, and what it wrote."""

    processes: list[subprocess.Popen[str]]
    log: Path

    def ticks(self, word: str) -> list[Tick]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        ticks = [Tick(*line.split()[:2], int(line.split()[2])) for line in lines]  # type: ignore[arg-type]
        return [tick for tick in ticks if tick.word == word]

    def process(self, pid: int) -> subprocess.Popen[str]:
        return next(process for process in self.processes if process.pid == pid)


@contextmanager
def ticking(url: str, log: Path, *, period: int, seconds: float) -> Iterator[Ticking]:
    command = [sys.executable, "-m", "tests.support.ticking", url, str(log), str(period), str(seconds)]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "started\n"
        yield Ticking(processes, log)
    finally:
        for process in processes:
            process.kill()
            process.communicate()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "ticks"


def outcomes(database: Database) -> list[str]:
    return [str(run["outcome"]) for run in database.sql("SELECT outcome FROM job_runs ORDER BY id")]


def test_two_processes_never_run_one_slot_twice(database: Database, log: Path) -> None:
    job_app(database.url, [])
    with ticking(database.url, log, period=1, seconds=0.2) as both:
        eventually(lambda: len(both.ticks("end")) >= 5)
        begun = [tick.slot for tick in both.ticks("begin")]
    assert len(begun) == len(set(begun))
    assert set(outcomes(database)) <= {"succeeded", "running"}


def test_slots_that_come_during_a_run_are_skipped(database: Database, log: Path) -> None:
    job_app(database.url, [])
    with ticking(database.url, log, period=1, seconds=2.5) as both:
        eventually(lambda: len(both.ticks("begin")) >= 2)
        first, second = both.ticks("begin")[:2]
        assert both.ticks("end")[0].slot == first.slot
        assert second.slot > first.slot
        assert database.sql("SELECT skips FROM job_leases")[0]["skips"] >= 1


def test_another_process_takes_over_when_the_holder_is_killed(database: Database, log: Path) -> None:
    job_app(database.url, [])
    with ticking(database.url, log, period=86400, seconds=3.0) as both:
        eventually(lambda: database.sql("SELECT name FROM job_leases"))
        database.sql(LONG_AGO)
        eventually(lambda: both.ticks("begin"))
        holder = both.ticks("begin")[0]
        both.process(holder.pid).send_signal(signal.SIGKILL)
        eventually(lambda: both.ticks("end"))
        end = both.ticks("end")[0]
        assert (end.slot, end.pid != holder.pid) == (holder.slot, True)
        eventually(lambda: outcomes(database) == ["abandoned", "succeeded"])


def test_a_process_that_stops_hands_its_run_over(database: Database, log: Path) -> None:
    job_app(database.url, [])
    with ticking(database.url, log, period=86400, seconds=3.0) as both:
        eventually(lambda: database.sql("SELECT name FROM job_leases"))
        database.sql(LONG_AGO)
        eventually(lambda: both.ticks("begin"))
        holder = both.ticks("begin")[0]
        both.process(holder.pid).communicate(timeout=60)
        assert both.process(holder.pid).returncode == 0
        assert outcomes(database)[0] == "stopped"
        eventually(lambda: outcomes(database) == ["stopped", "succeeded"])
        assert {tick.slot for tick in both.ticks("begin")} == {holder.slot}


def test_a_database_that_was_away_is_found_again(log: Path) -> None:
    with running_postgres(settings=()) as server:  # what it has confirmed must survive
        app = ticking_app(server.create_database(), log, period=1, seconds=0.0)
        http = app.test_client()
        app.extensions["job_scheduler"].start()

        def ends() -> int:
            return log.read_text().count("end") if log.exists() else 0

        try:
            eventually(lambda: http.get("/readyz").status_code == 200)
            eventually(ends)
            server.kill()
            eventually(lambda: http.get("/readyz").status_code == 503)
            assert http.get("/readyz").json["status"] == "not ready"
            assert http.get("/healthz").status_code == 200
            assert 'backend_jobs_readable{domain="toy"} 0.0' in http.get("/metrics").text
            server.start()
            before = ends()
            eventually(lambda: ends() >= before + 2)
            eventually(lambda: http.get("/readyz").status_code == 200)
            assert http.get("/readyz").json["checks"]["database"]["state"] == "ready"
        finally:
            app.extensions["job_scheduler"].stop()
