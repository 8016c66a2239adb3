"""replica-coordinator."""

from dataclasses import asdict

from backend.core.scheduler import Counts, JobRun
from backend.spot.services.replicas.coordinator import coordinate


def coordinate_replicas(run: JobRun) -> Counts:
    """One pass over all agents, which has a transaction for each of them."""
    return asdict(run.transact(lambda session: coordinate(session, run.now)))
