"""Deciding whether a job has to run here and now, and running it."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import Flask

from backend.core.database import Database
from backend.core.errors import describe
from backend.core.scheduler.history import Outcome
from backend.core.scheduler.interruptions import JobRefusedError, JobStoppedError, LeaseLostError
from backend.core.scheduler.job import Counts, Job
from backend.core.scheduler.leases import Claim, Leases, LeaseState
from backend.core.scheduler.running import LeasedRun, LeaseKeeper, Watcher

#: Since when a job is this side's to run (naive UTC), or None where it is the other side's.
Ownership = Callable[[str], datetime | None]

STOPPED = "the process ended, or the job was handed over"

_log = logging.getLogger("backend.jobs")


@dataclass(frozen=True)
class Finished:
    """How a run went. `seconds` is how long it took."""

    outcome: Outcome
    seconds: float
    counts: Counts | None = None
    error: str | None = None


class JobRunner:
    """Runs jobs of `app`, each under its lease. `owned_since` is asked before each run and during it."""

    def __init__(self, app: Flask, database: Database, leases: Leases, renewal: float, owned_since: Ownership) -> None:
        self.stopping = threading.Event()
        self._app = app
        self._database = database
        self._leases = leases
        self._renewal = renewal
        self._owned_since = owned_since

    def is_due(self, job: Job, seen: LeaseState) -> bool:
        """Whether there is something to do about a job: to run a slot, or to count that it is skipped."""
        return self._due(job, seen) is not None

    def run_if_due(self, job: Job) -> None:
        """Run the job for its latest slot, unless that was done or is being done, here or elsewhere."""
        seen = self._leases.state(job.name)
        slot = None if seen is None or self.stopping.is_set() else self._due(job, seen)
        if seen is None or slot is None:
            return
        if seen.is_held:
            if self._leases.skip(seen, slot):
                _log.warning("job skipped: its last run goes on", extra={"job": job.name, "holder": seen.holder})
        elif claim := self._leases.claim(seen, slot):
            self._run(job, claim, None)

    def run_now(self, job: Job, watcher: Watcher | None = None) -> Finished:
        """Run the job by hand.

        Raises JobRefusedError when the other side owns it, or when it is running already.
        """
        if self._owned_since(job.name) is None:
            raise JobRefusedError(f"{job.name} belongs to the legacy side; hand it over with `cutover jobs promote`.")
        self._leases.introduce([job])
        seen = self._leases.state(job.name)
        claim = self._leases.claim(seen, None) if seen is not None and not seen.is_held else None
        if claim is None:
            holder = seen.holder if seen is not None else None
            raise JobRefusedError(f"{job.name} is being run by {holder or 'another process'}; try again later.")
        return self._run(job, claim, watcher)

    def _due(self, job: Job, seen: LeaseState) -> datetime | None:
        since = self._owned_since(job.name)
        return None if since is None else seen.due(job.schedule, since)

    def _may_go_on(self, job: Job) -> bool:
        return not self.stopping.is_set() and self._owned_since(job.name) is not None

    def _run(self, job: Job, claim: Claim, watcher: Watcher | None) -> Finished:
        began = time.monotonic()
        with LeaseKeeper(self._leases, claim, self._renewal) as keeper, self._app.app_context():
            session = self._database.session()
            run = LeasedRun(claim, self._leases, keeper, session, lambda: self._may_go_on(job), watcher)
            outcome, counts, error = self._work(job, run)
            session.rollback()
        finished = Finished(outcome, time.monotonic() - began, counts, error)
        self._leases.release(claim, outcome, finished.seconds, counts, error)
        summary = {"job": job.name, "outcome": outcome.value, "seconds": round(finished.seconds, 3), **(counts or {})}
        _log.info("job finished", extra={"summary": summary})
        return finished

    def _work(self, job: Job, run: LeasedRun) -> tuple[Outcome, Counts | None, str | None]:
        if not self._may_go_on(job):
            return Outcome.STOPPED, None, STOPPED
        try:
            return Outcome.SUCCEEDED, job.work(run), None
        except LeaseLostError:
            _log.warning("job interrupted: its lease was lost", extra={"job": job.name})
            return Outcome.ABANDONED, None, "the lease was lost"
        except JobStoppedError:
            return Outcome.STOPPED, None, STOPPED
        except Exception as error:
            _log.exception("job failed", extra={"job": job.name})
            return Outcome.FAILED, None, describe(error) or type(error).__name__
