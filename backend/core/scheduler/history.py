"""The newest runs of each job."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select, update

from backend.core.scheduler.job import Counts
from backend.core.scheduler.tables import runs

KEPT = 100
LONGEST_ERROR = 2000


class Outcome(StrEnum):
    """How a run went. An abandoned one was lost with its process, or went on too long without a sign of life."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    ABANDONED = "abandoned"


def begin(connection: Connection, name: str, holder: str, due_at: datetime | None, now: datetime) -> int:
    """Enter a run and return its number. One that is still noted as running has been abandoned."""
    unfinished = (runs.c.name == name) & (runs.c.outcome == Outcome.RUNNING)
    connection.execute(update(runs).where(unfinished).values(outcome=Outcome.ABANDONED, finished_at=now))
    values = {"name": name, "holder": holder, "due_at": due_at, "started_at": now, "outcome": Outcome.RUNNING}
    number = connection.execute(insert(runs).values(values)).inserted_primary_key
    assert number is not None  # noqa: S101 (one row was inserted)
    return int(number[0])


def finish(
    connection: Connection,
    number: int,
    now: datetime,
    outcome: Outcome,
    duration: float,
    counts: Counts | None,
    error: str | None,
) -> None:
    """Note how a run went, and forget the oldest runs of its job."""
    values = {
        "finished_at": now,
        "duration": duration,
        "outcome": outcome,
        "counts": counts,
        "error": error and error[:LONGEST_ERROR],
    }
    connection.execute(update(runs).where(runs.c.id == number).values(values))
    name = connection.execute(select(runs.c.name).where(runs.c.id == number)).scalar()
    oldest_kept = select(runs.c.id).where(runs.c.name == name).order_by(runs.c.id.desc()).offset(KEPT - 1).limit(1)
    kept_from = connection.execute(oldest_kept).scalar()
    if kept_from is not None:
        connection.execute(delete(runs).where(runs.c.name == name, runs.c.id < kept_from))
