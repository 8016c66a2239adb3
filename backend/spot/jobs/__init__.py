"""The domain's scheduled work: when it is due, and which services do it in which steps.

The times are the old side's. Its database had events of its own beside its jobs; what they did is done here too.
"""

from functools import partial

from backend.core.scheduler import Job, daily, every, hourly
from backend.core.settings import Reader, whole_number
from backend.spot.jobs.agent_health import take_silent_agents_offline
from backend.spot.jobs.client_snapshots import snapshot_clients
from backend.spot.jobs.data_cleanup import clean_up
from backend.spot.jobs.price_rollup import roll_up_prices
from backend.spot.jobs.prices import deduplicate_prices, fill_price_gaps
from backend.spot.jobs.replicas import coordinate_replicas
from backend.spot.jobs.savings import compute_daily_savings, compute_monthly_savings, total_savings


def spot_jobs(read: Reader) -> tuple[Job, ...]:
    """The jobs. Raises SettingsError when AGENT_HEARTBEAT_TIMEOUT or PRICE_ROLLUP_DELAY (seconds) make no sense."""
    timeout = read("AGENT_HEARTBEAT_TIMEOUT", whole_number(1, 86400), "120")
    delay = read("PRICE_ROLLUP_DELAY", whole_number(0, 86400), "600")
    return (
        Job(
            "replica-coordinator",
            every(seconds=10),
            coordinate_replicas,
            "Starts, promotes and removes replicas where agents need it",
            replaces=("coordinator-monitor",),
        ),
        Job(
            "agent-health",
            every(seconds=300),
            partial(take_silent_agents_offline, timeout),
            f"Takes agents offline that are silent for more than {timeout} s",
            replaces=("check_agent_health",),
            replaces_events=("evt_mark_stale_agents",),
        ),
        Job(
            "client-snapshots",
            daily(0, 5),
            snapshot_clients,
            "Writes down how many clients there are",
            replaces=("snapshot_clients_daily", "backfill_client_growth"),
        ),
        Job(
            "daily-savings",
            daily(0, 0),
            compute_daily_savings,
            "Computes what clients saved yesterday",
            replaces_events=("evt_calculate_daily_savings",),
        ),
        Job(
            "monthly-savings",
            daily(1, 0),
            compute_monthly_savings,
            "Computes what clients saved this month",
            replaces=("compute_monthly_savings",),
            replaces_events=("evt_compute_monthly_savings",),
        ),
        Job(
            "data-cleanup",
            daily(2, 0),
            clean_up,
            "Deletes rows whose time is over",
            replaces=("cleanup_old_data",),
            replaces_events=("evt_daily_cleanup", "evt_cleanup_old_metrics"),
        ),
        Job(
            "total-savings",
            daily(3, 0),
            total_savings,
            "Adds up the cost records of clients that have some",
            replaces_events=("evt_update_total_savings",),
        ),
        Job(
            "price-deduplication",
            hourly(10),
            deduplicate_prices,
            "Makes one price for each pool and five minutes out of those submitted",
        ),
        Job(
            "price-rollup",
            every(seconds=300),
            partial(roll_up_prices, delay),
            "Adds spot prices up by the hour",
        ),
        Job(
            "gap-filling",
            daily(0, 30),
            fill_price_gaps,
            "Works out prices that nobody measured",
            replaces=("coordinator-quality",),
        ),
    )
