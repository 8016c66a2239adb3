"""What both sides ask before they run a job: is it mine?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from migration.ledger.jobs import Job
from migration.ledger.state import State


class JobOwnership:
    """Answers from the jobs that ``in_force`` returns. A job that the ledger doesn't know is legacy's."""

    def __init__(self, in_force: Callable[[], Mapping[str, Job]]) -> None:
        self.in_force = in_force

    def native_since(self, name: str) -> datetime | None:
        """Since when (UTC, naive) the native side owns a job; None while it doesn't."""
        job = self.in_force().get(name)
        return job.updated.replace(tzinfo=None) if job is not None and job.state is State.NATIVE else None

    def legacy_may_run(self, name: str) -> bool:
        """Whether legacy still owns every job that does what its own job of this name does."""
        return all(job.state is State.LEGACY for job in self.in_force().values() if name in job.replaces)
