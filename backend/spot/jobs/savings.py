"""monthly-savings, daily-savings and total-savings."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial

from backend.core.scheduler import Counts, JobRun
from backend.spot.jobs.failures import failure_recorded
from backend.spot.services.events import record_event
from backend.spot.services.upkeep import savings

BATCH = 500


def compute_monthly_savings(run: JobRun) -> Counts:
    """Compute the current month of all active clients, and leave an event that says for how many."""
    with failure_recorded(run, "savings_computation_failed"):
        clients = run.transact(savings.active_clients)
        failed = 0
        for batch in _batches(run, clients):
            failed += run.transact(partial(savings.compute_month, client_ids=batch, now=run.now))
        message = f"Computed monthly savings for {len(clients)} clients"
        run.transact(lambda session: record_event(session, "savings_computed", "info", message))
    return {"clients": len(clients), "failed": failed}


def compute_daily_savings(run: JobRun) -> Counts:
    """Compute the day before the one the run is for, for all clients."""
    day = (run.due_at - timedelta(days=1)).date()
    clients = run.transact(savings.all_clients)
    for batch in _batches(run, clients):
        run.transact(partial(savings.compute_day, client_ids=batch, day=day))
    return {"clients": len(clients)}


def total_savings(run: JobRun) -> Counts:
    """Add up the cost records."""
    return {"changed": run.transact(savings.total_cost_records)}


def _batches(run: JobRun, clients: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(clients), BATCH):
        yield clients[start : start + BATCH]
        run.progress(min(start + BATCH, len(clients)), len(clients))
