"""An application with nothing but jobs, and running a job by its name."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask
from sqlalchemy.orm import DeclarativeBase

from backend.core.app import new_app
from backend.core.database import Database, install_database
from backend.core.readiness import check_database
from backend.core.scheduler import Job, install_jobs
from backend.core.scheduler.runner import Finished
from backend.core.scheduler.tables import metadata
from backend.core.settings import Settings


def job_app(url: str, jobs: Sequence[Job], **settings: str) -> Flask:
    """An application whose database holds the tables of the scheduler and no others."""

    class Base(DeclarativeBase):
        pass

    database = Database(Base)
    environment = {"DATABASE_URL": url, "LOG_LEVEL": "ERROR", **settings}
    app = new_app("toy", Settings.from_environment("toy", environment))
    install_database(app, database)
    check_database(app)
    install_jobs(app, database, jobs)
    with app.app_context():
        metadata.create_all(database.engine)
    return app


def run_job(app: Flask, name: str) -> Finished:
    """Run a job of `app` by hand; raises AssertionError when it does not succeed."""
    (job,) = (job for job in app.extensions["jobs"] if job.name == name)
    finished: Finished = app.extensions["job_runner"].run_now(job)
    assert finished.outcome == "succeeded", finished.error
    return finished
