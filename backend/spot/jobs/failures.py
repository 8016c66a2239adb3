"""Telling operators that a job failed."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from backend.core.scheduler import JobInterruptedError, JobRun
from backend.spot.services.events import record_event


@contextmanager
def failure_recorded(run: JobRun, event_type: str) -> Iterator[None]:
    """Leave an event with the error's text if the block fails. An interrupted run has not failed."""
    try:
        yield
    except JobInterruptedError:
        raise
    except Exception as error:
        text = str(error)
        with suppress(Exception):
            run.transact(lambda session: record_event(session, event_type, "error", text))
        raise
