"""Leases of jobs in the database: taken by compare-and-set, by the database's clock."""

import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Engine, insert, select, update

from backend.core.database_clock import DatabaseNow
from backend.core.scheduler import history
from backend.core.scheduler.history import Outcome
from backend.core.scheduler.job import Counts, Job
from backend.core.scheduler.schedule import Schedule
from backend.core.scheduler.tables import HOLDER_LENGTH, leases

#: A slot whose runs end again and again with their process is given up.
MOST_ATTEMPTS = 3
STATES = select(leases, DatabaseNow().label("now")).order_by(leases.c.name)


def is_held(expires_at: datetime | None, now: datetime) -> bool:
    """Whether somebody is at work under a lease that expires then."""
    return expires_at is not None and expires_at > now


@dataclass(frozen=True)
class LeaseState:
    """A lease as it was read at `now`. Times are naive UTC."""

    name: str
    holder: str | None
    acquired_at: datetime | None
    expires_at: datetime | None
    fence: int
    due_at: datetime
    attempts: int
    runs: int
    failures: int
    skips: int
    now: datetime

    @property
    def is_held(self) -> bool:
        """Whether somebody is at work."""
        return is_held(self.expires_at, self.now)

    @property
    def is_abandoned(self) -> bool:
        """Whether somebody was at work for a slot and can't be any more."""
        return self.holder is not None and not self.is_held and self.attempts > 0

    def due(self, schedule: Schedule, since: datetime) -> datetime | None:
        """The slot that has to be run now, or None. Slots before `since` are somebody else's business."""
        slot = schedule.latest(self.now)
        if slot <= self.due_at:
            if not self.is_abandoned or self.attempts >= MOST_ATTEMPTS:
                return None
            slot = self.due_at
        return slot if slot >= since else None


@dataclass(frozen=True)
class Claim:
    """A lease that this process holds; `due_at` is None for a run by hand, `number` is the run's in the history."""

    name: str
    fence: int
    due_at: datetime | None
    number: int
    acquired_at: datetime


class Leases:
    """The leases of one domain's jobs, as this process takes them for `expiry` seconds at a time."""

    def __init__(self, engine: Engine, expiry: float) -> None:
        self.expiry = expiry
        self._engine = engine

    def introduce(self, jobs: Iterable[Job]) -> None:
        """Make the leases that are missing. A job nobody has heard of is first due at its next slot."""
        with self._engine.begin() as connection:
            now = _now(connection)
            known = set(connection.execute(select(leases.c.name)).scalars())
        for job in jobs:
            if job.name not in known:
                self._introduce(job, now)

    def _introduce(self, job: Job, now: datetime) -> None:
        counters = dict.fromkeys(("fence", "attempts", "runs", "failures", "skips"), 0)
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(leases).values(name=job.name, due_at=job.schedule.latest(now), **counters))
        except Exception:
            # Another process may have been faster; whatever else it is, the lease is not there now.
            if self.state(job.name) is None:
                raise

    def state(self, name: str) -> LeaseState | None:
        """One lease, or None when it was never introduced."""
        with self._engine.begin() as connection:
            row = connection.execute(STATES.where(leases.c.name == name)).mappings().first()
        return None if row is None else LeaseState(**row)

    def states(self) -> dict[str, LeaseState]:
        """All leases by the names of their jobs."""
        with self._engine.begin() as connection:
            return read_states(connection)

    def claim(self, seen: LeaseState, due_at: datetime | None) -> Claim | None:
        """Take a lease that is free or expired, for a slot or (None) by hand; None when another was faster."""
        with self._engine.begin() as connection:
            now = _now(connection)
            holder = _this_process()
            values: dict[str, object] = {
                "holder": holder,
                "acquired_at": now,
                "expires_at": now + timedelta(seconds=self.expiry),
                "fence": seen.fence + 1,
                "attempts": 0,
            }
            if due_at is not None:
                values |= {"due_at": due_at, "attempts": 1 if due_at > seen.due_at else seen.attempts + 1}
            free = leases.c.expires_at.is_(None) | (leases.c.expires_at <= now)
            unchanged = (leases.c.fence == seen.fence) & (leases.c.due_at == seen.due_at)
            if not _set(connection, seen.name, unchanged & free, values):
                return None
            number = history.begin(connection, seen.name, holder, due_at, now)
            return Claim(seen.name, seen.fence + 1, due_at, number, now)

    def skip(self, seen: LeaseState, due_at: datetime) -> bool:
        """Let a slot pass because the last run still goes on; False when another has counted it."""
        unchanged = (leases.c.fence == seen.fence) & (leases.c.due_at == seen.due_at)
        with self._engine.begin() as connection:
            return _set(connection, seen.name, unchanged, {"due_at": due_at, "skips": leases.c.skips + 1})

    def renew(self, claim: Claim) -> bool:
        """Hold on to a lease; False when it is lost."""
        with self._engine.begin() as connection:
            return self.confirm(connection, claim)

    def confirm(self, connection: Connection, claim: Claim) -> bool:
        """Like renew, as part of a transaction: whoever wants to take the lease over waits for its end."""
        expires_at = _now(connection) + timedelta(seconds=self.expiry)
        return _set(connection, claim.name, _held_by(claim), {"expires_at": expires_at})

    def release(
        self, claim: Claim, outcome: Outcome, duration: float, counts: Counts | None = None, error: str | None = None
    ) -> None:
        """Give a lease back after a run, unless it was lost. A run that was cut off is left for others to do again."""
        with self._engine.begin() as connection:
            now = _now(connection)
            if outcome in (Outcome.STOPPED, Outcome.ABANDONED):
                values: dict[str, object] = {"expires_at": now}
            else:
                values = {
                    "holder": None,
                    "acquired_at": None,
                    "expires_at": None,
                    "attempts": 0,
                    "runs": leases.c.runs + 1,
                    "failures": leases.c.failures + int(outcome is Outcome.FAILED),
                }
            if _set(connection, claim.name, _held_by(claim), values):
                history.finish(connection, claim.number, now, outcome, duration, counts, error)


def read_states(connection: Connection) -> dict[str, LeaseState]:
    """All leases by the names of their jobs, as `connection` sees them."""
    return {row["name"]: LeaseState(**row) for row in connection.execute(STATES).mappings()}


def _this_process() -> str:
    """A name for people: that a lease is still one's own is told by its fence."""
    return f"{socket.gethostname()}:{os.getpid()}"[:HOLDER_LENGTH]


def _now(connection: Connection) -> datetime:
    return connection.execute(select(DatabaseNow())).scalar_one()


def _held_by(claim: Claim) -> ColumnElement[bool]:
    return (leases.c.fence == claim.fence) & leases.c.holder.is_not(None)


def _set(connection: Connection, name: str, condition: ColumnElement[bool], values: dict[str, object]) -> bool:
    return connection.execute(update(leases).where(leases.c.name == name, condition).values(values)).rowcount == 1
