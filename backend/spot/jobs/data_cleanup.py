"""data-cleanup."""

from functools import partial

from backend.core.scheduler import Counts, JobRun
from backend.spot.jobs.failures import failure_recorded
from backend.spot.services.events import record_event
from backend.spot.services.upkeep.retention import RETENTIONS, delete_expired

#: Rows that one transaction deletes at most.
BATCH = 5000


def clean_up(run: JobRun) -> Counts:
    """Delete what has expired, table by table; returns how many rows of each table went, where there were any."""
    deleted: Counts = {}
    with failure_recorded(run, "cleanup_failed"):
        for retention in RETENTIONS:
            delete = partial(delete_expired, retention=retention, now=run.now, limit=BATCH)
            while found := run.transact(delete):
                deleted[retention.name] = deleted.get(retention.name, 0) + found
                run.progress(sum(deleted.values()))
        done = "Cleaned up old time-series data"
        run.transact(lambda session: record_event(session, "data_cleanup", "info", done))
    return deleted
