"""The jobs leave the same rows behind on every database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.backend.conftest import Spot
from tests.support.jobs import run_job

NOW = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
BUCKET = datetime.fromtimestamp(NOW.timestamp() // 300 * 300) - timedelta(hours=2)
OLD = str(NOW - timedelta(days=400))
SOURCES = ("replica-manual", "primary", "primary", "replica-automatic")
#: The table, and what of its rows is compared. What a database makes up or dates by itself is not.
LEFT_BEHIND = {
    "agents": "logical_agent_id, status",
    "notifications": "message, severity, is_read",
    "system_events": "event_type, severity, message",
    "clients": "name, total_savings, is_active",
    "client_savings_monthly": "year, month, baseline_cost, actual_cost, savings, switch_count",
    "savings_snapshots": "snapshot_date, daily_savings, switch_count",
    "clients_daily_snapshot": "snapshot_date, total_clients, new_clients_today, active_clients",
    "pricing_submissions_raw": "submission_id, is_duplicate, processed",
    "pricing_snapshots_clean": "pool_id, spot_price, savings_percent, source_type, data_source, interpolation_method",
    "pricing_snapshots_interpolated": "pool_id, spot_price, confidence_score, gap_type, interpolation_method",
    "data_processing_jobs": "job_type, status, records_processed, duplicates_found, gaps_filled, result_summary",
    "commands": "id, status",
    "pricing_reports": "id",
    "spot_price_snapshots": "pool_id, price",
}


def fill(spot: Spot) -> None:
    """A bit of everything that jobs look at."""
    spot.add_client("client-2", "another", active=0)
    spot.sql("UPDATE agents SET last_heartbeat_at = ?", str(NOW - timedelta(seconds=1000)))
    for number, ago in enumerate((0.5, 1, 1.1, 2)):
        spot.sql(
            "INSERT INTO switches (id, client_id, agent_id, initiated_at, timestamp, new_mode, new_spot_price,"
            " on_demand_price, savings_impact) VALUES (?, 'client-1', ?, ?, ?, 'spot', 0.01, 0.05, ?)",
            *(f"s{number}", spot.agent_id, *[str(NOW - timedelta(days=ago))] * 2, 0.0123 * (number + 1)),
        )
    spot.sql(
        "INSERT INTO cost_records (id, client_id, agent_id, period_start, period_end, savings)"
        " VALUES ('cost', 'client-1', ?, ?, ?, 12.5)",
        *(spot.agent_id, str(NOW - timedelta(days=1)), str(NOW)),
    )
    for pool in ("pool-a", "pool-b"):
        spot.sql("INSERT INTO spot_pools (id, instance_type, region, az) VALUES (?, 't', 'r', ?)", pool, pool)
    for number, source in enumerate(SOURCES):
        observed = str(BUCKET + timedelta(seconds=400 * number))
        spot.sql(
            "INSERT INTO pricing_submissions_raw (submission_id, source_instance_id, source_agent_id, source_type,"
            " pool_id, instance_type, region, az, spot_price, ondemand_price, observed_at, submitted_at)"
            " VALUES (?, 'i-1', 'a-1', ?, 'pool-a', 't', 'r', 'z', ?, 0.05, ?, ?)",
            *(f"n{number}", source, 0.01 + number / 1000, observed, observed),
        )
    for ago, price in ((9, 0.01), (7, 0.02), (2, 0.03)):
        start = str(BUCKET - ago * timedelta(minutes=5))
        spot.sql(
            "INSERT INTO pricing_snapshots_clean (pool_id, instance_type, region, az, spot_price, ondemand_price,"
            " time_bucket, bucket_start, bucket_end, source_type, data_source)"
            " VALUES ('pool-b', 't', 'r', 'pool-b', ?, 0.05, ?, ?, ?, 'primary', 'measured')",
            *(price, start, start, start),
        )
    for moment, name in ((OLD, "old"), (str(NOW), "new")):
        spot.sql("INSERT INTO system_events (event_type, severity, created_at) VALUES (?, 'info', ?)", name, moment)
        spot.sql("INSERT INTO spot_price_snapshots (pool_id, price, captured_at) VALUES ('pool-a', 0.1, ?)", moment)
        spot.sql(
            "INSERT INTO pricing_reports (id, agent_id, received_at) VALUES (?, ?, ?)", name, spot.agent_id, moment
        )
        spot.sql(
            "INSERT INTO risk_scores (client_id, recommended_action, created_at) VALUES ('client-1', 'stay', ?)", moment
        )
        spot.sql(
            "INSERT INTO notifications (id, client_id, message, is_read, created_at) VALUES (?, 'client-1', 'm', 1, ?)",
            *(name, moment),
        )
        spot.sql(
            "INSERT INTO commands (id, client_id, agent_id, command_type, status, completed_at)"
            " VALUES (?, 'client-1', ?, 'switch', 'completed', ?)",
            *(name, spot.agent_id, moment),
        )


def left_behind(spot: Spot) -> dict[str, list[tuple[Any, ...]]]:
    """The rows that are compared, whatever each database's driver makes of numbers and days."""
    return {
        table: sorted((tuple(map(_plain, row.values())) for row in spot.sql(f"SELECT {columns} FROM {table}")), key=str)
        for table, columns in LEFT_BEHIND.items()
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal | int):
        return float(value)
    return str(value) if isinstance(value, date) else value


def run_all(spot: Spot) -> dict[str, Any]:
    fill(spot)
    return {job.name: run_job(spot.app, job.name).counts for job in spot.app.extensions["jobs"]}


def test_every_job_does_the_same_everywhere(spot: Spot, spot_on_server: Spot) -> None:
    counts = run_all(spot)
    assert counts["agent-health"] == {"offline": 1}
    assert counts["price-deduplication"]["processed"] == len(SOURCES)
    assert counts["gap-filling"]["gaps_filled"] > 0
    assert run_all(spot_on_server) == counts
    expected = left_behind(spot)
    assert all(expected.values())
    assert left_behind(spot_on_server) == expected


def test_a_second_run_finds_nothing_more_to_do(spot_on_server: Spot) -> None:
    run_all(spot_on_server)
    before = left_behind(spot_on_server)
    for job in spot_on_server.app.extensions["jobs"]:
        run_job(spot_on_server.app, job.name)
    after = left_behind(spot_on_server)
    for log in ("data_processing_jobs", "system_events"):
        del before[log], after[log]
    assert after == before
