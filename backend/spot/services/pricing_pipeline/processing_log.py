"""The log of runs over the prices."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select

from backend.core.rows import insert_row, update_rows
from backend.core.session import Session
from backend.spot.models import DataProcessingJob

INTERRUPTED = "The run was interrupted."


def begin(session: Session, job_type: str, start: datetime, end: datetime, now: datetime) -> int:
    """Enter a run over the range from `start` to `end` and return its number. One that still runs was interrupted."""
    unfinished = (DataProcessingJob.job_type == job_type, DataProcessingJob.status == "running")
    update_rows(session, DataProcessingJob, *unfinished, status="failed", error_log=INTERRUPTED, completed_at=now)
    entry = {"job_type": job_type, "status": "running", "start_time": start, "end_time": end}
    insert_row(session, DataProcessingJob, **entry)
    newest = select(func.max(DataProcessingJob.id)).where(DataProcessingJob.job_type == job_type)
    return int(session.execute(newest).scalar_one())


def complete(session: Session, number: int, now: datetime, processed: int, counts: Mapping[str, int]) -> None:
    """Note what a run did; counts named like columns go there, and all of them into the summary."""
    named = {name: count for name, count in counts.items() if name in DataProcessingJob.__table__.columns}
    update_rows(
        session,
        DataProcessingJob,
        DataProcessingJob.id == number,
        status="completed",
        completed_at=now,
        records_processed=processed,
        result_summary=dict(counts),
        **named,
    )


def fail(session: Session, number: int, now: datetime, error: str) -> None:
    """Note why a run failed."""
    update_rows(
        session, DataProcessingJob, DataProcessingJob.id == number, status="failed", completed_at=now, error_log=error
    )
