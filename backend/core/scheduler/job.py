"""What a job is, and what its function is given."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from backend.core.scheduler.schedule import Schedule
from backend.core.session import Session

T = TypeVar("T")

#: What a run did, e.g. `{"deleted": 12}`.
Counts = dict[str, int]


class JobRun(Protocol):
    """One run of a job, as the job's function sees it."""

    @property
    def now(self) -> datetime:
        """When the run began, by the database's clock: naive UTC, in whole seconds."""

    @property
    def due_at(self) -> datetime:
        """The slot the run is for, which may be long ago when it is made up for; `now` for a run by hand."""

    def transact(self, work: Callable[[Session], T]) -> T:
        """Do `work` in one transaction that commits only if the run still holds its lease.

        Raises JobInterruptedError when the run must end; then nothing of `work` is kept.
        """

    def progress(self, done: int, total: int | None = None) -> None:
        """Tell whoever watches how far the run is."""


@dataclass(frozen=True)
class Job:
    """Scheduled work.

    `work` may run again after it was interrupted, so it must be idempotent; it does its work in several short
    transactions. `replaces` names the old side's jobs that did the same, and `replaces_events` events of its database.
    """

    name: str
    schedule: Schedule
    work: Callable[[JobRun], Counts]
    description: str
    replaces: tuple[str, ...] = ()
    replaces_events: tuple[str, ...] = ()
