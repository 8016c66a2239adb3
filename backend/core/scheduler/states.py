"""How the jobs are doing, over all processes."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from flask import current_app
from sqlalchemy import select

from backend.core.database_clock import DatabaseNow
from backend.core.prepared import Prepared
from backend.core.scheduler.history import Outcome
from backend.core.scheduler.job import Job
from backend.core.scheduler.leases import is_held
from backend.core.scheduler.runner import Ownership
from backend.core.scheduler.tables import leases, runs
from backend.core.session import Session

# By order: MariaDB would look through all of a job's runs for the greatest number.
_RUNS = runs.alias()
_NEWEST_RUN = (
    select(_RUNS.c.id)
    .where(_RUNS.c.name == leases.c.name)
    .order_by(_RUNS.c.id.desc())
    .limit(1)
    .correlate(leases)
    .scalar_subquery()
)
#: What there is to know of the jobs, for `jobs_as_told`: each lease with the newest run under it, if there was one.
LEASES_WITH_RUNS = Prepared(
    select(
        *(leases.c.name, leases.c.holder, leases.c.expires_at, leases.c.runs, leases.c.failures, leases.c.skips),
        *(runs.c.started_at, runs.c.finished_at, runs.c.duration, runs.c.outcome, runs.c.counts, runs.c.error),
        DatabaseNow().label("now"),
    )
    .select_from(leases)
    .outerjoin(runs, runs.c.id == _NEWEST_RUN)
)
#: How long a process goes on telling operators what it has seen, in seconds.
SEEN_SECONDS = 1.0
JOBS = "jobs"
JOBS_SEEN = "jobs_seen"
JOB_OWNER = "job_owner"


def job_states(session: Session) -> list[dict[str, Any]]:
    """The jobs of the current application as `jobs_as_told` tells them."""
    return jobs_as_told(session.dicts(LEASES_WITH_RUNS))


def jobs_as_told(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The jobs of the current application as JSON for operators, in the order they were declared.

    `holder` is the process that runs the job now; `nextRunAt` is None where the other side owns the job. Times are ISO
    texts in UTC without a zone.
    """
    jobs: tuple[Job, ...] = current_app.extensions[JOBS]
    owned_since: Ownership = current_app.extensions[JOB_OWNER]
    leases_of_jobs = {lease["name"]: lease for lease in found}
    return [_state(job, leases_of_jobs.get(job.name), owned_since(job.name) is not None) for job in jobs]


def recently_told_jobs() -> list[dict[str, Any]] | None:
    """The jobs of the current application as this process told them less than SEEN_SECONDS ago, if it did."""
    told_at, told = current_app.extensions.get(JOBS_SEEN, (0.0, None))
    return told if time.monotonic() - told_at < SEEN_SECONDS else None


def tell_jobs(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Like jobs_as_told; what it tells is remembered for `recently_told_jobs`."""
    told = jobs_as_told(found)
    current_app.extensions[JOBS_SEEN] = time.monotonic(), told
    return told


def _state(job: Job, lease: Mapping[str, Any] | None, is_ours: bool) -> dict[str, Any]:
    told = {
        "name": job.name,
        "description": job.description,
        "schedule": str(job.schedule),
        "owner": "native" if is_ours else "legacy",
    }
    if lease is None:
        unknown = {"holder": None, "lastRun": None, "nextRunAt": None}
        return {**told, **unknown, "runs": 0, "failures": 0, "skips": 0}
    held = is_held(lease["expires_at"], lease["now"])
    return {
        **told,
        "holder": lease["holder"] if held else None,
        "lastRun": None if lease["started_at"] is None else _last_run(lease, held),
        "nextRunAt": job.schedule.next(lease["now"]).isoformat() if is_ours else None,
        "runs": lease["runs"],
        "failures": lease["failures"],
        "skips": lease["skips"],
    }


def _last_run(run: Mapping[str, Any], held: bool) -> dict[str, Any]:
    is_lost = run["outcome"] == Outcome.RUNNING and not held
    return {
        "startedAt": run["started_at"].isoformat(),
        "finishedAt": None if run["finished_at"] is None else run["finished_at"].isoformat(),
        "seconds": run["duration"],
        "outcome": Outcome.ABANDONED.value if is_lost else run["outcome"],
        "counts": run["counts"],
        "error": run["error"],
    }
