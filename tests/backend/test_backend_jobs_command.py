"""`flask jobs`, and the jobs as operators see them elsewhere."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pytest import MonkeyPatch

from backend import create_app
from backend.core.scheduler import Counts, Job, JobRun, every, job_states
from tests.backend.conftest import Database, Spot, settings_for
from tests.support.cli import ROOT
from tests.support.jobs import job_app, run_job
from tests.support.waiting import eventually

SEEN_SECONDS = "backend.core.scheduler.states.SEEN_SECONDS"


def flask(app: Flask, *arguments: str) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["jobs", *arguments])
    return done.exit_code, done.output


def test_list_shows_every_job(bare: Spot) -> None:
    status, before = flask(bare.app, "list")
    assert status == 0
    for word in ("agent-health", "every 5 min", "daily at 00:05 UTC", "hourly at :10", "replica-coordinator", "native"):
        assert word in before
    assert "succeeded" not in before
    run_job(bare.app, "client-snapshots")
    assert "succeeded (clients 1)" in flask(bare.app, "list")[1]


def test_run_prints_what_was_done(bare: Spot) -> None:
    status, said = flask(bare.app, "run", "client-snapshots")
    assert status == 0
    assert said.startswith("client-snapshots succeeded in ")
    assert said.endswith("s. clients: 1\n")


def test_run_refuses_what_it_cannot_begin(bare: Spot) -> None:
    assert flask(bare.app, "run", "nothing") == (
        2,
        "Error: There is no job 'nothing'; the jobs are replica-coordinator, agent-health, client-snapshots, "
        "daily-savings, monthly-savings, data-cleanup, total-savings, price-deduplication, price-rollup, "
        "gap-filling.\n",
    )
    bare.app.extensions["job_owner"] = lambda name: None
    status, said = flask(bare.app, "run", "agent-health")
    assert (status, "agent-health belongs to the legacy side" in said) == (2, True)


def test_run_says_why_a_job_failed(bare: Spot) -> None:
    bare.sql("DROP TABLE clients_daily_snapshot")
    status, said = flask(bare.app, "run", "client-snapshots")
    assert (status, said.startswith("client-snapshots failed in ")) == (1, True)
    assert "Traceback" not in said


def test_a_database_that_is_gone_is_one_sentence() -> None:
    lost = create_app("spot", settings_for("mysql://nobody@127.0.0.1:1/nothing", AUTO_MIGRATE="false"))
    for arguments in (("list",), ("run", "agent-health")):
        status, said = flask(lost, *arguments)
        assert (status, len(said.splitlines())) == (2, 1)
        assert said.startswith("Error: ")


@pytest.mark.parametrize("command", ["list", "run"])
def test_help_shows_an_example(bare: Spot, command: str) -> None:
    assert f"flask --app backend jobs {command}" in flask(bare.app, command, "--help")[1]


def test_a_terminal_sees_the_progress(bare: Spot) -> None:
    environment = {**os.environ, "SPOT_DATABASE_URL": f"sqlite:///{database_path(bare)}", "TERM": "xterm"}
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "backend", "jobs", "run", "monthly-savings"],
        env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=terminal, text=True,
    )  # fmt: skip
    os.close(terminal)
    shown = b""
    while True:
        try:
            part = os.read(controller, 65536)
        except OSError:  # the terminal is closed when the process ends
            break
        if not part:
            break
        shown += part
    assert process.communicate(timeout=60)[0].startswith("monthly-savings succeeded")
    assert b"monthly-savings" in shown
    os.close(controller)


def database_path(spot: Spot) -> Path:
    return Path(spot.app.extensions["settings"].database_url.database)


def test_states_tell_all_processes(database: Database) -> None:
    def fails(_run: JobRun) -> Counts:
        raise ValueError("no such luck")

    def seen(run: JobRun) -> Counts:
        states.extend(run.transact(job_states))
        return {"seen": 1}

    states: list[dict[str, object]] = []
    jobs = [Job("fails", every(seconds=300), fails, "Fails"), Job("looks", every(seconds=86400), seen, "Looks")]
    app = job_app(database.url, jobs)
    with pytest.raises(AssertionError, match="no such luck"):
        run_job(app, "fails")
    run_job(app, "looks")
    failed, looking = states
    assert {**failed, "lastRun": None, "nextRunAt": None} == {
        "name": "fails",
        "description": "Fails",
        "schedule": "every 5 min",
        "owner": "native",
        "holder": None,
        "lastRun": None,
        "nextRunAt": None,
        "runs": 1,
        "failures": 1,
        "skips": 0,
    }
    assert failed["lastRun"]["outcome"] == "failed"  # type: ignore[index]
    assert failed["lastRun"]["error"] == "no such luck"  # type: ignore[index]
    assert failed["nextRunAt"].endswith(("0:00", "5:00"))  # type: ignore[attr-defined]
    assert str(os.getpid()) in str(looking["holder"])
    assert looking["lastRun"]["outcome"] == "running"  # type: ignore[index]
    text = app.test_client().get("/metrics").text
    for line in (
        'backend_job_runs_total{domain="toy",job="fails"} 1.0',
        'backend_job_failures_total{domain="toy",job="fails"} 1.0',
        'backend_job_last_run_succeeded{domain="toy",job="fails"} 0.0',
        'backend_job_failures_total{domain="toy",job="looks"} 0.0',
        'backend_job_last_run_succeeded{domain="toy",job="looks"} 1.0',
        'backend_job_owned{domain="toy",job="looks"} 1.0',
        'backend_jobs_readable{domain="toy"} 1.0',
    ):
        assert line in text


def test_the_health_of_the_system_tells_of_its_jobs(bare: Spot) -> None:
    run_job(bare.app, "client-snapshots")
    jobs = {job["name"]: job for job in bare.http.get("/api/admin/system-health").json["jobs"]}
    assert len(jobs) == 10
    assert jobs["client-snapshots"]["lastRun"]["counts"] == {"clients": 1}
    assert (jobs["client-snapshots"]["schedule"], jobs["agent-health"]["lastRun"]) == ("daily at 00:05 UTC", None)
    bare.sql("DROP TABLE job_leases")
    health = eventually(lambda: bare.http.get("/api/admin/system-health").json, until=lambda told: not told["jobs"])
    assert health["database"] == "Connected"


def test_the_jobs_are_asked_about_once_for_all_who_ask_within_a_second(bare: Spot, monkeypatch: MonkeyPatch) -> None:
    def told() -> Any:
        return [job["runs"] for job in bare.http.get("/api/admin/system-health").json["jobs"]]

    monkeypatch.setattr(SEEN_SECONDS, 3600.0)
    assert told() == [0] * 10
    run_job(bare.app, "client-snapshots")
    assert told() == [0] * 10
    monkeypatch.setattr(SEEN_SECONDS, 0.0)
    assert sorted(told()) == [0] * 9 + [1]


def test_of_many_runs_the_newest_is_told(database: Database) -> None:
    runs: list[int] = []

    def counts(_run: JobRun) -> Counts:
        runs.append(1)
        return {"runs": len(runs)}

    app = job_app(database.url, [Job(name, every(seconds=86400), counts, "") for name in ("first", "second")])
    for name in ("first", "second", "second", "first", "second"):
        run_job(app, name)
    with app.app_context():
        session = app.extensions["sqlalchemy"].session()
        told = {job["name"]: job["lastRun"]["counts"] for job in job_states(session)}
    assert told == {"first": {"runs": 4}, "second": {"runs": 5}}


def test_jobs_start_with_requests_and_only_where_they_are_on(database: Database) -> None:
    job = Job("never", every(seconds=86400), lambda run: {}, "")
    off = job_app(database.url, [job])
    on = job_app(database.url, [job], BACKGROUND_JOBS="on", JOB_RENEWAL_SECONDS="0.2")
    for app in (off, on):
        app.test_client().get("/healthz")
    try:
        assert off.extensions["job_scheduler"].is_running is False
        assert on.extensions["job_scheduler"].is_running is True
    finally:
        on.extensions["job_scheduler"].stop()
    assert on.extensions["job_scheduler"].is_running is False
