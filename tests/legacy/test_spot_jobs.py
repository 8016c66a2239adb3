"""The scheduled jobs and the growth back-fill, on both databases."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from legacy import spot, spot_jobs
from legacy.spot_db import Database, DatabaseError


def insert(db: Database, table: str, **values: Any) -> None:
    db.execute(
        f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))})", list(values.values())
    )


def clients(db: Database, count: int, **values: Any) -> None:
    for number in range(count):
        name = f"client-{number}"
        insert(db, "clients", **{"id": name, "name": name, "email": name, "client_token": name, **values})


def events(db: Database) -> list[dict[str, Any]]:
    return db.fetch_all("SELECT event_type, severity, message FROM system_events ORDER BY id")


def days(db: Database) -> list[tuple[int, int, int]]:
    rows = db.fetch_all("SELECT * FROM clients_daily_snapshot ORDER BY snapshot_date")
    return [(row["total_clients"], row["new_clients_today"], row["active_clients"]) for row in rows]


def test_backfill_invents_thirty_one_days(db: Database) -> None:
    clients(db, 2)
    spot_jobs.backfill_client_growth(db)
    assert days(db) == [(2, 2, 2)] + [(2, 1, 2)] * 30
    newest = db.fetch_one("SELECT MAX(snapshot_date) AS day, MIN(snapshot_date) AS oldest FROM clients_daily_snapshot")
    assert newest == {"day": db.now().date(), "oldest": db.now().date() - timedelta(days=30)}


def test_backfill_grows_with_many_clients(db: Database) -> None:
    clients(db, 121)
    spot_jobs.backfill_client_growth(db)
    assert [total for total, _, _ in days(db)] == [121 - 2 * ago for ago in range(30, -1, -1)]


def test_backfill_does_nothing_without_clients_or_with_rows(db: Database) -> None:
    spot_jobs.backfill_client_growth(db)
    assert days(db) == []
    clients(db, 1)
    insert(db, "clients_daily_snapshot", snapshot_date="2026-01-01")
    spot_jobs.backfill_client_growth(db)
    assert days(db) == [(0, 0, 0)]


def test_the_daily_snapshot_counts_against_the_newest_row(db: Database) -> None:
    clients(db, 3, is_active=0)
    yesterday = db.now().date() - timedelta(days=1)
    insert(db, "clients_daily_snapshot", snapshot_date=yesterday, total_clients=1)
    spot_jobs.snapshot_clients_daily(db)
    assert days(db) == [(1, 0, 0), (3, 2, 3)]
    spot_jobs.snapshot_clients_daily(db)
    assert days(db) == [(1, 0, 0), (3, 0, 3)], "the second run of a day compares with the first"
    db.execute("DELETE FROM clients WHERE id = 'client-0'")
    spot_jobs.snapshot_clients_daily(db)
    assert days(db)[-1] == (2, -1, 2)


def test_the_first_snapshot_counts_all_clients_as_new(db: Database) -> None:
    clients(db, 2)
    spot_jobs.snapshot_clients_daily(db)
    assert days(db) == [(2, 2, 2)]
    assert events(db) == []


def savings(db: Database) -> dict[str, tuple[Decimal, Decimal, Decimal]]:
    rows = db.fetch_all("SELECT * FROM client_savings_monthly")
    return {row["client_id"]: (row["baseline_cost"], row["actual_cost"], row["savings"]) for row in rows}


@pytest.fixture
def instance(db: Database, agent: str) -> None:
    for name, price, active in (("i-1", 0.05, 1), ("i-2", 0.5, 0), ("i-3", None, 1)):
        insert(
            db,
            "instances",
            id=name,
            client_id="c1",
            agent_id=agent,
            instance_type="t3",
            region="r",
            az="z",
            baseline_ondemand_price=price,
            is_active=active,
        )


def switch(db: Database, mode: str, spot: float | None, initiated_at: datetime) -> None:
    insert(
        db,
        "switches",
        client_id="c1",
        agent_id="a1",
        new_mode=mode,
        new_spot_price=spot,
        on_demand_price=0.05,
        initiated_at=initiated_at,
    )


def test_without_switches_the_whole_baseline_counts_as_saved(db: Database, instance: None) -> None:
    spot_jobs.compute_monthly_savings(db)
    assert savings(db) == {"c1": (Decimal("36.0000"), Decimal("0.0000"), Decimal("36.0000"))}
    row = db.fetch_one("SELECT year, month, switch_count, savings_percentage FROM client_savings_monthly")
    today = datetime.now(UTC)
    assert row == {"year": today.year, "month": today.month, "switch_count": 0, "savings_percentage": None}
    assert events(db) == [
        {"event_type": "savings_computed", "severity": "info", "message": "Computed monthly savings for 1 clients"}
    ]


def test_savings_are_never_negative_and_only_this_month_counts(db: Database, instance: None) -> None:
    first = datetime.now(UTC).replace(tzinfo=None, day=1, hour=0, minute=0, second=0, microsecond=0)
    switch(db, "spot", 0.01, first)
    switch(db, "ondemand", 0.01, first)
    switch(db, "spot", None, first)
    switch(db, "spot", 9.0, first - timedelta(seconds=1))
    spot_jobs.compute_monthly_savings(db)
    assert savings(db) == {"c1": (Decimal("36.0000"), Decimal("43.2000"), Decimal("0.0000"))}


def test_savings_are_recomputed_in_place_and_for_active_clients_only(db: Database, instance: None) -> None:
    clients(db, 1, is_active=0)
    spot_jobs.compute_monthly_savings(db)
    db.execute("UPDATE client_savings_monthly SET switch_count = 7")
    db.execute("UPDATE instances SET baseline_ondemand_price = 0.1 WHERE id = 'i-1'")
    spot_jobs.compute_monthly_savings(db)
    assert savings(db) == {"c1": (Decimal("72.0000"), Decimal("0.0000"), Decimal("72.0000"))}
    assert db.fetch_one("SELECT switch_count FROM client_savings_monthly") == {"switch_count": 7}
    assert len(events(db)) == 2


def test_one_failing_client_does_not_stop_the_others(sqlite_db: Database) -> None:
    clients(sqlite_db, 3)
    sqlite_db.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON client_savings_monthly WHEN NEW.client_id = 'client-1'"
        " BEGIN SELECT RAISE(ABORT, 'refused'); END"
    )
    spot_jobs.compute_monthly_savings(sqlite_db)
    assert savings(sqlite_db).keys() == {"client-0", "client-2"}
    assert events(sqlite_db)[0]["message"] == "Computed monthly savings for 3 clients"


def test_a_failing_savings_job_says_so(sqlite_db: Database) -> None:
    sqlite_db.execute("ALTER TABLE clients RENAME COLUMN is_active TO was_active")
    spot_jobs.compute_monthly_savings(sqlite_db)
    assert events(sqlite_db) == [
        {
            "event_type": "savings_computation_failed",
            "severity": "error",
            "message": "1054 (42S22): Unknown column 'is_active' in 'WHERE'",
        }
    ]


def test_cleanup_keeps_each_table_for_its_time(db: Database, agent: str) -> None:
    insert(db, "spot_pools", id="p", instance_type="t", region="r", az="z")

    def rows(days_ago: int) -> None:
        moment = db.now() - timedelta(days=days_ago, seconds=-60)
        insert(db, "spot_price_snapshots", pool_id="p", price=days_ago, captured_at=moment)
        insert(db, "ondemand_price_snapshots", region="r", instance_type="t", price=days_ago, captured_at=moment)
        insert(db, "risk_scores", client_id="c1", recommended_action=str(days_ago), created_at=moment)
        insert(
            db,
            "decision_engine_log",
            engine_type=str(days_ago),
            input_data="{}",
            output_decision="{}",
            created_at=moment,
        )
        insert(db, "pricing_reports", agent_id="a1", received_at=moment)

    for days_ago in (1, 30, 31, 90, 91):
        rows(days_ago)
    spot_jobs.cleanup_old_data(db)
    spot_jobs.cleanup_old_data(db)
    assert [int(row["price"]) for row in db.fetch_all("SELECT price FROM spot_price_snapshots")] == [1, 30]
    assert [int(row["price"]) for row in db.fetch_all("SELECT price FROM ondemand_price_snapshots")] == [1, 30]
    kept = db.fetch_all("SELECT recommended_action AS a FROM risk_scores ORDER BY id")
    assert [row["a"] for row in kept] == ["1", "30", "31", "90"]
    assert [row["a"] for row in db.fetch_all("SELECT engine_type AS a FROM decision_engine_log")] == ["1", "30"]
    assert db.fetch_one("SELECT COUNT(*) AS n FROM pricing_reports") == {"n": 5}
    assert (
        events(db)
        == [{"event_type": "data_cleanup", "severity": "info", "message": "Cleaned up old time-series data"}] * 2
    )


def test_a_failing_cleanup_says_so_and_keeps_what_it_did(sqlite_db: Database) -> None:
    sqlite_db.execute("DROP TABLE risk_scores")
    insert(sqlite_db, "ondemand_price_snapshots", region="r", instance_type="t", price=1, captured_at="2020-01-01")
    spot_jobs.cleanup_old_data(sqlite_db)
    assert sqlite_db.fetch_all("SELECT id FROM ondemand_price_snapshots") == []
    assert [(event["event_type"], event["severity"]) for event in events(sqlite_db)] == [("cleanup_failed", "error")]


def heartbeat(db: Database, agent_id: str, seconds_ago: int | None, **values: Any) -> None:
    seen = None if seconds_ago is None else db.now() - timedelta(seconds=seconds_ago)
    insert(
        db,
        "agents",
        **{
            "id": agent_id,
            "client_id": "c1",
            "logical_agent_id": agent_id,
            "status": "online",
            "last_heartbeat_at": seen,
            **values,
        },
    )


def test_silent_agents_go_offline_with_a_notification_and_an_event(db: Database, agent: str) -> None:
    heartbeat(db, "fresh", 100)
    heartbeat(db, "silent", 130, hostname="host-1", instance_id="i-1", enabled=0)
    heartbeat(db, "nameless", 500)
    heartbeat(db, "never", None)
    heartbeat(db, "switching", 500, status="switching")
    spot_jobs.check_agent_health(db, 120)
    assert {row["id"]: row["status"] for row in db.fetch_all("SELECT id, status FROM agents")} == {
        "a1": "offline",
        "fresh": "online",
        "silent": "offline",
        "nameless": "offline",
        "never": "online",
        "switching": "switching",
    }
    notices = db.fetch_all("SELECT message, severity, client_id, is_read FROM notifications ORDER BY message")
    assert [notice["message"] for notice in notices] == [
        "Agent host-1 marked offline (heartbeat timeout)",
        "Agent nameless marked offline (heartbeat timeout)",
    ]
    assert {(notice["severity"], notice["client_id"], notice["is_read"]) for notice in notices} == {
        ("warning", "c1", 0)
    }
    event = db.fetch_one("SELECT * FROM system_events WHERE agent_id = 'silent'")
    seen = db.fetch_one("SELECT last_heartbeat_at AS seen FROM agents WHERE id = 'silent'")
    assert event is not None
    assert seen is not None
    assert (event["event_type"], event["severity"], event["client_id"], event["instance_id"]) == (
        *("agent_marked_offline", "warning", "c1", "i-1"),
    )
    assert event["message"] == "Agent host-1 marked offline due to heartbeat timeout (120s)"
    assert json.loads(event["metadata"]) == {"timeout_seconds": 120, "last_heartbeat_at": seen["seen"].isoformat()}
    spot_jobs.check_agent_health(db, 120)
    assert db.fetch_one("SELECT COUNT(*) AS n FROM notifications") == {"n": 2}


@pytest.fixture
def scheduler(sqlite_db: Database) -> Iterator[BackgroundScheduler]:
    scheduler = spot_jobs.start_scheduler(sqlite_db)
    yield scheduler
    scheduler.shutdown()


def test_four_jobs_are_scheduled(scheduler: BackgroundScheduler) -> None:
    triggers = {job.id: str(job.trigger) for job in scheduler.get_jobs()}
    assert triggers == {
        "snapshot_clients_daily": "cron[hour='0', minute='5']",
        "compute_monthly_savings": "cron[hour='1', minute='0']",
        "cleanup_old_data": "cron[hour='2', minute='0']",
        "check_agent_health": "interval[0:05:00]",
    }
    first = {job.id: job.next_run_time for job in scheduler.get_jobs()}["check_agent_health"]
    assert timedelta(minutes=4) < first - datetime.now(UTC) <= timedelta(minutes=5)


def test_every_scheduled_job_runs(scheduler: BackgroundScheduler, sqlite_db: Database) -> None:
    for job in scheduler.get_jobs():
        job.func(*job.args, **job.kwargs)
    assert {event["event_type"] for event in events(sqlite_db)} == {"savings_computed", "data_cleanup"}
    assert len(days(sqlite_db)) == 1


def test_the_heartbeat_timeout_comes_from_the_environment(sqlite_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_HEARTBEAT_TIMEOUT", "45")
    scheduler = spot_jobs.start_scheduler(sqlite_db)
    scheduler.shutdown()
    scheduler = spot_jobs.start_scheduler(sqlite_db)
    try:
        assert scheduler.get_job("check_agent_health").args == (sqlite_db, 45)
    finally:
        scheduler.shutdown()


def test_a_lost_notification_does_not_stop_the_check(sqlite_db: Database) -> None:
    clients(sqlite_db, 1)
    heartbeat(sqlite_db, "silent", 500, client_id="client-0")
    sqlite_db.execute("DROP TABLE notifications")
    spot_jobs.check_agent_health(sqlite_db, 120)
    assert [event["event_type"] for event in events(sqlite_db)] == ["agent_marked_offline"]
    with pytest.raises(DatabaseError, match="1146"):
        sqlite_db.fetch_all("SELECT id FROM notifications")


def test_no_job_runs_that_somebody_else_runs(sqlite_db: Database) -> None:
    clients(sqlite_db, 1)
    asked: list[str] = []

    def nothing_is_ours(name: str) -> bool:
        asked.append(name)
        return False

    scheduler = spot_jobs.start_scheduler(sqlite_db, nothing_is_ours)
    try:
        for job in scheduler.get_jobs():
            job.func(*job.args)
    finally:
        scheduler.shutdown()
    assert sorted(asked) == [
        *("check_agent_health", "cleanup_old_data", "compute_monthly_savings", "snapshot_clients_daily"),
    ]
    assert (events(sqlite_db), days(sqlite_db)) == ([], [])


def test_no_loop_runs_that_somebody_else_runs(sqlite_db: Database) -> None:
    both_asked = threading.Event()
    asked: set[str] = set()

    def nothing_is_ours(name: str) -> bool:
        asked.add(name)
        if len(asked) == 2:
            both_asked.set()
        return False

    sqlite_db.execute("DROP TABLE agents")  # a pass of the monitor would fail
    coordinator = spot_jobs.start_coordinator(sqlite_db, nothing_is_ours)
    try:
        assert both_asked.wait(10)
    finally:
        coordinator.stop()
    assert asked == {"coordinator-monitor", "coordinator-quality"}


def test_no_growth_is_invented_for_somebody_else(sqlite_db: Database, sqlite_url: str) -> None:
    clients(sqlite_db, 1)
    spot.create_app(sqlite_url, lambda name: False)
    assert days(sqlite_db) == []
    spot.create_app(sqlite_url)
    assert len(days(sqlite_db)) == 31
