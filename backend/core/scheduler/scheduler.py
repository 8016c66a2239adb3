"""The scheduler of one process."""

import atexit
import logging
import os
import threading
from collections.abc import Sequence
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler

from backend.core.scheduler.job import Job
from backend.core.scheduler.leases import Leases
from backend.core.scheduler.runner import JobRunner
from backend.core.scheduler.threads import DaemonThreads

STOP_SECONDS = 5.0

_log = logging.getLogger("backend.jobs")


class JobScheduler:
    """Tries to run each job at its slots, and sweeps every `interval` seconds for slots that nobody could take.

    Nothing starts by itself: a process that serves requests calls `start`, after it was forked.
    """

    def __init__(self, jobs: Sequence[Job], leases: Leases, runner: JobRunner, interval: float) -> None:
        self._jobs = jobs
        self._leases = leases
        self._runner = runner
        self._interval = interval
        self._starting = threading.Lock()
        self._process: int | None = None
        self._timer: BackgroundScheduler | None = None
        self._threads = DaemonThreads()
        self._introduced = False
        self._reachable = True

    @property
    def is_running(self) -> bool:
        """Whether this process runs jobs."""
        return self._process == os.getpid() and self._timer is not None

    def start(self) -> None:
        """Start in this process, unless that was done: cheap enough to be called with every request."""
        if self._process == os.getpid():
            return
        with self._starting:
            if self._process != os.getpid():
                self._start()
                self._process = os.getpid()

    def stop(self) -> None:
        """Start nothing more, ask what runs to end after the transaction it is in, and wait a moment for that."""
        timer = self._timer
        if timer is not None and self.is_running:
            self._runner.stopping.set()
            timer.shutdown(wait=False)
            self._threads.join(STOP_SECONDS)
            self._timer = None

    def _start(self) -> None:
        self._threads = DaemonThreads()
        options = {"coalesce": True, "misfire_grace_time": None, "max_instances": 2}
        self._timer = BackgroundScheduler(
            timezone=UTC, daemon=True, executors={"default": self._threads}, job_defaults=options
        )
        for job in self._jobs:
            self._timer.add_job(self._attempt, job.schedule.trigger(), [job], id=job.name)
        self._timer.add_job(
            self._sweep, "interval", id="sweep", seconds=self._interval, next_run_time=datetime.now(UTC)
        )
        self._timer.start()
        atexit.register(self.stop)

    def _attempt(self, job: Job) -> None:
        try:
            self._runner.run_if_due(job)
        except Exception as error:
            self._note_trouble(error)

    def _sweep(self) -> None:
        try:
            if not self._introduced:
                self._leases.introduce(self._jobs)
                self._introduced = True
            states = self._leases.states()
        except Exception as error:
            self._note_trouble(error)
            return
        if not self._reachable:
            _log.warning("the leases of jobs can be reached again")
            self._reachable = True
        for job in self._jobs:
            if job.name in states and self._runner.is_due(job, states[job.name]) and self._timer is not None:
                self._timer.add_job(self._attempt, args=[job])

    def _note_trouble(self, error: Exception) -> None:
        """Say once that the database is away; the next sweeps make up for what is missed."""
        if self._reachable:
            _log.warning("the leases of jobs can't be reached", extra={"error": str(error)})
        self._reachable = False
