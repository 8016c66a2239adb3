"""The monolith's background work: four scheduled jobs and the growth back-fill at start.

Nothing here starts by itself. Every process that starts the scheduler runs every job, as the old system did.
"""

from __future__ import annotations

import json
import logging
import os
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import wraps
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler

from legacy.spot_coordinator import Coordinator, MayRun, always
from legacy.spot_db import NOW, Database

__all__ = [
    "Coordinator",
    "MayRun",
    "always",
    "backfill_client_growth",
    "check_agent_health",
    "cleanup_old_data",
    "compute_monthly_savings",
    "snapshot_clients_daily",
    "start_coordinator",
    "start_scheduler",
]

logger = logging.getLogger(__name__)

GROWTH_DAYS = 30
HEALTH_CHECK_MINUTES = 5
HOURS_PER_MONTH = 24 * 30
RETENTION_DAYS = {
    ("spot_price_snapshots", "captured_at"): 30,
    ("ondemand_price_snapshots", "captured_at"): 30,
    ("risk_scores", "created_at"): 90,
    ("decision_engine_log", "created_at"): 30,
}


def start_scheduler(db: Database, may_run: MayRun = always) -> BackgroundScheduler:
    """Start the four jobs on their schedules, in the time zone of the process.

    ``AGENT_HEARTBEAT_TIMEOUT`` (seconds, 120 by default) says when an agent counts as silent. ``may_run`` is asked
    before each run of a job, by the name of its function.
    """

    def guarded(job: Callable[..., None]) -> Callable[..., None]:
        @wraps(job)
        def run(*args: Any) -> None:
            if may_run(job.__name__):
                job(*args)

        return run

    timeout = int(os.environ.get("AGENT_HEARTBEAT_TIMEOUT", "120"))
    scheduler = BackgroundScheduler()
    scheduler.add_job(guarded(snapshot_clients_daily), "cron", [db], id="snapshot_clients_daily", hour=0, minute=5)
    scheduler.add_job(guarded(compute_monthly_savings), "cron", [db], id="compute_monthly_savings", hour=1, minute=0)
    scheduler.add_job(guarded(cleanup_old_data), "cron", [db], id="cleanup_old_data", hour=2, minute=0)
    scheduler.add_job(
        guarded(check_agent_health), "interval", [db, timeout], id="check_agent_health", minutes=HEALTH_CHECK_MINUTES
    )
    scheduler.start()
    return scheduler


def start_coordinator(db: Database, may_run: MayRun = always) -> Coordinator:
    """Start both loops of the replica coordinator; ``may_run`` is asked before each pass, by the name of the loop."""
    coordinator = Coordinator(db, may_run=may_run)
    coordinator.start()
    return coordinator


def backfill_client_growth(db: Database) -> None:
    """Invent a month of growth for an empty ``clients_daily_snapshot``, if there are clients at all.

    Raises DatabaseError, for example when another process does the same; the rows written so far stay.
    """
    if db.fetch_one("SELECT snapshot_date FROM clients_daily_snapshot LIMIT 1"):
        return
    clients = _count_clients(db)
    if clients == 0:
        return
    today = db.now().date()
    for days_ago in range(GROWTH_DAYS, -1, -1):
        total = max(1, clients - days_ago * (clients // 60))
        db.execute(
            "INSERT INTO clients_daily_snapshot (snapshot_date, total_clients, new_clients_today, active_clients)"
            " VALUES (%s, %s, %s, %s)",
            (today - timedelta(days=days_ago), total, total if days_ago == GROWTH_DAYS else 1, total),
        )


def snapshot_clients_daily(db: Database) -> None:
    """Write today's number of clients; new are those above the newest row, which may be today's own."""
    total = _count_clients(db)
    previous = db.fetch_one("SELECT total_clients FROM clients_daily_snapshot ORDER BY snapshot_date DESC LIMIT 1")
    known = previous["total_clients"] if previous else 0
    db.upsert(
        "clients_daily_snapshot",
        {
            "snapshot_date": db.now().date(),
            "total_clients": total,
            "new_clients_today": total - known if known else total,
            "active_clients": total,
        },
        key=("snapshot_date",),
        update=("total_clients", "new_clients_today", "active_clients"),
    )


def compute_monthly_savings(db: Database) -> None:
    """Write the savings of every active client for the current month (UTC), and say for how many."""
    try:
        clients = db.fetch_all("SELECT id FROM clients WHERE is_active = 1")
        for client in clients:
            try:
                _compute_client_savings(db, client["id"], datetime.now(UTC).date())
            except Exception:
                logger.exception("Savings of client %s not computed", client["id"])
        _log_event(db, "savings_computed", "info", f"Computed monthly savings for {len(clients)} clients")
    except Exception as error:
        logger.exception("Monthly savings not computed")
        _log_event(db, "savings_computation_failed", "error", str(error))


def cleanup_old_data(db: Database) -> None:
    """Delete rows that are past their retention; what was deleted before a failure stays deleted."""
    try:
        for (table, column), days in RETENTION_DAYS.items():
            db.execute(f"DELETE FROM {table} WHERE {column} < %s", (db.now() - timedelta(days=days),))
        _log_event(db, "data_cleanup", "info", "Cleaned up old time-series data")
    except Exception as error:
        logger.exception("Old data not cleaned up")
        _log_event(db, "cleanup_failed", "error", str(error))


def check_agent_health(db: Database, timeout_seconds: int) -> None:
    """Mark agents offline that are online and have been silent for longer than the timeout."""
    silent = db.fetch_all(
        "SELECT id, client_id, hostname, instance_id, last_heartbeat_at FROM agents"
        " WHERE status = 'online' AND last_heartbeat_at < %s",
        (db.now() - timedelta(seconds=timeout_seconds),),
    )
    for agent in silent:
        name = agent["hostname"] or agent["id"]
        db.execute("UPDATE agents SET status = 'offline' WHERE id = %s", (agent["id"],))
        _notify(db, f"Agent {name} marked offline (heartbeat timeout)", "warning", agent["client_id"])
        _log_event(
            db,
            "agent_marked_offline",
            "warning",
            f"Agent {name} marked offline due to heartbeat timeout ({timeout_seconds}s)",
            client_id=agent["client_id"],
            agent_id=agent["id"],
            instance_id=agent["instance_id"],
            metadata={
                "timeout_seconds": timeout_seconds,
                "last_heartbeat_at": agent["last_heartbeat_at"].isoformat(),
            },
        )


def _compute_client_savings(db: Database, client_id: str, day: date) -> None:
    start = day.replace(day=1)
    end = (start + timedelta(days=31)).replace(day=1)
    baseline = db.fetch_one(
        f"SELECT SUM(baseline_ondemand_price * {HOURS_PER_MONTH}) AS cost FROM instances"
        " WHERE client_id = %s AND is_active = 1",
        (client_id,),
    )
    actual = db.fetch_one(
        f"SELECT SUM(CASE WHEN new_mode = 'spot' THEN new_spot_price ELSE on_demand_price END * {HOURS_PER_MONTH})"
        " AS cost FROM switches WHERE client_id = %s AND initiated_at >= %s AND initiated_at < %s",
        (client_id, start, end),
    )
    # Without a switch this month nothing counts as spent, so that the whole baseline is "saved".
    baseline_cost = (baseline or {}).get("cost") or 0
    actual_cost = (actual or {}).get("cost") or 0
    db.upsert(
        "client_savings_monthly",
        {
            "client_id": client_id,
            "year": day.year,
            "month": day.month,
            "baseline_cost": baseline_cost,
            "actual_cost": actual_cost,
            "savings": max(0, baseline_cost - actual_cost),
            "computed_at": NOW,
        },
        key=("client_id", "year", "month"),
        update=("baseline_cost", "actual_cost", "savings", "computed_at"),
    )


def _count_clients(db: Database) -> int:
    row = db.fetch_one("SELECT COUNT(*) AS clients FROM clients")
    return row["clients"] if row else 0


def _notify(db: Database, message: str, severity: str, client_id: str) -> None:
    try:
        db.execute(
            "INSERT INTO notifications (id, message, severity, client_id, created_at) VALUES (%s, %s, %s, %s, NOW())",
            (str(uuid.uuid4()), message, severity, client_id),
        )
    except Exception as error:
        logger.warning("Notification lost: %s", error)


def _log_event(
    db: Database,
    event_type: str,
    severity: str,
    message: str,
    *,
    client_id: str | None = None,
    agent_id: str | None = None,
    instance_id: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    try:
        db.execute(
            "INSERT INTO system_events (event_type, severity, client_id, agent_id, instance_id, message, metadata)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            (
                event_type,
                severity,
                client_id,
                agent_id,
                instance_id,
                message,
                json.dumps(metadata) if metadata else None,
            ),
        )
    except Exception as error:
        logger.warning("System event %s lost: %s", event_type, error)
