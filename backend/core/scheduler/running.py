"""One run of a job: the lease is kept meanwhile, and nothing is committed without it."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar

from backend.core.database import run_and_commit
from backend.core.scheduler.interruptions import JobStoppedError, LeaseLostError
from backend.core.scheduler.leases import Claim, Leases
from backend.core.session import Session

T = TypeVar("T")

#: Told how far a run is: done, and of how many (None: nobody knows).
Watcher = Callable[[int, int | None], None]

#: How many seconds a renewal under way is waited for at the end of a run.
LONGEST_FAREWELL = 5.0

_log = logging.getLogger("backend.jobs")


@dataclass(frozen=True)
class LeasedRun:
    """A JobRun. `may_go_on` says whether the job is still this side's and the process not about to end."""

    claim: Claim
    leases: Leases
    keeper: "LeaseKeeper"
    session: Session
    may_go_on: Callable[[], bool]
    watcher: Watcher | None = None

    @property
    def now(self) -> datetime:
        return self.claim.acquired_at.replace(microsecond=0)

    @property
    def due_at(self) -> datetime:
        return self.claim.due_at or self.now

    def transact(self, work: Callable[[Session], T]) -> T:
        self._check()

        def work_with_lease() -> T:
            result = work(self.session)
            if not self.leases.confirm(self.session.connection(), self.claim):
                raise LeaseLostError(self.claim.name)
            return result

        return run_and_commit(self.session, work_with_lease)

    def progress(self, done: int, total: int | None = None) -> None:
        if self.watcher is not None:
            self.watcher(done, total)

    def _check(self) -> None:
        if self.keeper.lost.is_set():
            raise LeaseLostError(self.claim.name)
        if not self.may_go_on():
            raise JobStoppedError(self.claim.name)


class LeaseKeeper:
    """Renews a lease every `interval` seconds for the time of a `with` block; `lost` is set when that fails."""

    def __init__(self, leases: Leases, claim: Claim, interval: float) -> None:
        self.lost = threading.Event()
        self._leases = leases
        self._claim = claim
        self._interval = interval
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease-{claim.name}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(LONGEST_FAREWELL)

    def _keep(self) -> None:
        renewed = time.monotonic()
        while not self._ended.wait(self._interval):
            try:
                if not self._leases.renew(self._claim):
                    self.lost.set()
                    return
                renewed = time.monotonic()
            except Exception as error:
                _log.warning("lease not renewed", extra={"job": self._claim.name, "error": str(error)})
                if time.monotonic() - renewed > self._leases.expiry:
                    self.lost.set()
                    return
