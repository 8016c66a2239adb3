"""`flask jobs`: what runs when, and running it now."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from backend.core.errors import describe
from backend.core.scheduler.history import Outcome
from backend.core.scheduler.interruptions import JobRefusedError
from backend.core.scheduler.job import Job
from backend.core.scheduler.running import Watcher
from backend.core.scheduler.states import JOBS, job_states

#: A pipe has no width; lines that a program reads must not be cut at 80 columns.
PIPE_WIDTH = 200
SHORT_OF_SECONDS = 19

jobs_command = AppGroup("jobs", help="Show the background jobs, or run one now.")


class CouldNotRun(click.ClickException):
    """Ends a command with one sentence and exit status 2."""

    exit_code = 2


@jobs_command.command("list")
def list_jobs() -> None:
    """Show each job with its schedule, its owner, its last and next run, and who runs it now. Times are in UTC.

    \b
    Example:
      flask --app backend jobs list
    """
    console = Console()
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    table = Table("Job", "Schedule", "Owner", "Last run", "Outcome", "Next run", "Holder", "What it does")
    for state in _states():
        last = state["lastRun"] or {}
        row = (
            *(state["name"], state["schedule"], state["owner"], _shown(last.get("startedAt"))),
            *(_outcome(last), _shown(state["nextRunAt"]), state["holder"] or "", state["description"]),
        )
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


@jobs_command.command("run")
@click.argument("name", metavar="NAME")
def run_job(name: str) -> None:
    """Run the job NAME now, in this process, and print what it did.

    It takes the job's lease, so it never runs beside a scheduled run. Exit status: 0 when it went well, 1 when it
    failed or was interrupted, 2 when it could not begin.

    \b
    Examples:
      flask --app backend jobs run data-cleanup
      flask --app backend jobs run price-deduplication
    """
    job = _job(name)
    try:
        with _progress(job) as watcher:
            finished = current_app.extensions["job_runner"].run_now(job, watcher)
    except JobRefusedError as refusal:
        raise CouldNotRun(str(refusal)) from refusal
    except Exception as error:
        raise CouldNotRun(f"{job.name} could not take its lease: {describe(error)}") from error
    counts = ", ".join(f"{what.replace('_', ' ')}: {count:,}" for what, count in (finished.counts or {}).items())
    click.echo(f"{job.name} {finished.outcome} in {finished.seconds:.1f} s. {counts or finished.error or ''}".rstrip())
    if finished.outcome is not Outcome.SUCCEEDED:
        raise SystemExit(1)


def _states() -> list[dict[str, Any]]:
    database = current_app.extensions["sqlalchemy"]
    try:
        return job_states(database.session())
    except Exception as error:
        raise CouldNotRun(f"The jobs can't be read from the database: {describe(error)}") from error


def _job(name: str) -> Job:
    jobs: tuple[Job, ...] = current_app.extensions[JOBS]
    for job in jobs:
        if job.name == name:
            return job
    raise CouldNotRun(f"There is no job {name!r}; the jobs are {', '.join(job.name for job in jobs)}.")


@contextmanager
def _progress(job: Job) -> Iterator[Watcher | None]:
    """A bar for a terminal; nothing elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(job.name, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _shown(moment: str | None) -> str:
    return "" if moment is None else moment[:SHORT_OF_SECONDS].replace("T", " ")


def _outcome(last: dict[str, Any]) -> str:
    counts = ", ".join(f"{what} {count}" for what, count in (last.get("counts") or {}).items())
    return " ".join(part for part in (last.get("outcome"), f"({counts})" if counts else None) if part)
