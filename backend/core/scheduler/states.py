"""How the jobs are doing, over all processes."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask import current_app

from backend.core.prepared import Prepared
from backend.core.scheduler.history import NEWEST, Outcome
from backend.core.scheduler.job import Job
from backend.core.scheduler.leases import STATES, LeaseState
from backend.core.scheduler.runner import Ownership
from backend.core.session import Query, Session

ALL_STATES = Prepared(STATES)
NEWEST_RUNS = Prepared(NEWEST)
#: What there is to know of the jobs: what these answer is for `jobs_as_told`.
JOB_QUERIES: tuple[Query, Query] = ((ALL_STATES, {}), (NEWEST_RUNS, {}))
JOBS = "jobs"
JOB_OWNER = "job_owner"


def job_states(session: Session) -> list[dict[str, Any]]:
    """The jobs of the current application as `jobs_as_told` tells them."""
    states, runs = session.execute_together(*JOB_QUERIES)
    return jobs_as_told(states.mappings(), runs.mappings())


def jobs_as_told(states: Iterable[Mapping[str, Any]], runs: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The jobs of the current application as JSON for operators, in the order they were declared.

    `holder` is the process that runs the job now; `nextRunAt` is None where the other side owns the job. Times are ISO
    texts in UTC without a zone.
    """
    jobs: tuple[Job, ...] = current_app.extensions[JOBS]
    owned_since: Ownership = current_app.extensions[JOB_OWNER]
    leases = {row["name"]: LeaseState(**row) for row in states}
    newest = {row["name"]: row for row in runs}
    return [_state(job, leases.get(job.name), newest.get(job.name), owned_since(job.name) is not None) for job in jobs]


def _state(job: Job, lease: LeaseState | None, run: Any, is_ours: bool) -> dict[str, Any]:
    is_held = lease is not None and lease.is_held
    return {
        "name": job.name,
        "description": job.description,
        "schedule": str(job.schedule),
        "owner": "native" if is_ours else "legacy",
        "holder": lease.holder if lease is not None and is_held else None,
        "lastRun": None if run is None else _last_run(run, is_held),
        "nextRunAt": job.schedule.next(lease.now).isoformat() if lease is not None and is_ours else None,
        "runs": 0 if lease is None else lease.runs,
        "failures": 0 if lease is None else lease.failures,
        "skips": 0 if lease is None else lease.skips,
    }


def _last_run(run: Any, is_held: bool) -> dict[str, Any]:
    is_lost = run["outcome"] == Outcome.RUNNING and not is_held
    return {
        "startedAt": run["started_at"].isoformat(),
        "finishedAt": None if run["finished_at"] is None else run["finished_at"].isoformat(),
        "seconds": run["duration"],
        "outcome": Outcome.ABANDONED.value if is_lost else run["outcome"],
        "counts": run["counts"],
        "error": run["error"],
    }
