"""agent-health."""

from backend.core.scheduler import Counts, JobRun
from backend.spot.services.upkeep.agent_health import mark_silent_agents

BATCH = 500


def take_silent_agents_offline(timeout_seconds: int, run: JobRun) -> Counts:
    """Take agents offline, some at a time, until none is silent."""
    offline = 0
    while True:
        found = run.transact(lambda session: mark_silent_agents(session, run.now, timeout_seconds, BATCH))
        offline += found
        run.progress(offline)
        if found < BATCH:
            return {"offline": offline}
