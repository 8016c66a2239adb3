"""client-snapshots."""

from backend.core.scheduler import Counts, JobRun
from backend.spot.services.upkeep.client_snapshots import take_snapshot


def snapshot_clients(run: JobRun) -> Counts:
    """Write today's number of clients."""
    return {"clients": run.transact(lambda session: take_snapshot(session, run.now.date()))}
