"""Giving an application its jobs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Flask
from sqlalchemy import Engine

from backend.core.database import Database, separate_engine
from backend.core.metrics import METRICS
from backend.core.scheduler.collector import JobCollector
from backend.core.scheduler.commands import jobs_command
from backend.core.scheduler.job import Job
from backend.core.scheduler.leases import Leases
from backend.core.scheduler.runner import JobRunner
from backend.core.scheduler.scheduler import JobScheduler
from backend.core.scheduler.states import JOB_OWNER, JOBS, job_states
from backend.core.sessions import open_session
from backend.core.settings import Settings

SCHEDULER = "job_scheduler"
RUNNER = "job_runner"


def install_jobs(app: Flask, database: Database, jobs: Sequence[Job]) -> None:
    """Let `app` run `jobs`, offer `flask jobs`, and show them in the metrics.

    `app.extensions["job_owner"]` says since when a job is this side's (a naive UTC time), or None where it is not: by
    default, always. `app.extensions["job_scheduler"]` is started with the first request where the settings say so;
    a server that calls its `start` in each worker does not have to wait for one.
    """
    settings: Settings = app.extensions["settings"]
    engine = separate_engine(settings, patience=settings.job_renewal_seconds)
    leases = Leases(engine, settings.job_lease_seconds)
    runner = JobRunner(
        app, database, leases, settings.job_renewal_seconds, lambda name: app.extensions[JOB_OWNER](name)
    )
    scheduler = JobScheduler(jobs, leases, runner, settings.job_renewal_seconds)
    app.extensions |= {JOBS: tuple(jobs), JOB_OWNER: _ours, SCHEDULER: scheduler, RUNNER: runner}
    app.extensions[METRICS].register(JobCollector(lambda: _states(engine)))
    app.cli.add_command(jobs_command)
    if settings.background_jobs:
        app.before_request(scheduler.start)


def _states(engine: Engine) -> list[dict[str, Any]]:
    """The jobs, asked without the pool: when it is used up, the metrics are wanted most."""
    with open_session(engine) as session:
        return job_states(session)


def _ours(_name: str) -> datetime | None:
    return datetime.min
