"""The replica coordinator, pass by pass, on both databases."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from legacy import spot_jobs
from legacy.spot_coordinator import Coordinator
from legacy.spot_db import Database, DatabaseError
from tests.support.waiting import eventually

Row = dict[str, Any]


def insert(db: Database, table: str, **values: Any) -> None:
    db.execute(
        f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))})", list(values.values())
    )


def row(db: Database, sql: str, *parameters: Any) -> Row:
    found = db.fetch_one(sql, parameters)
    assert found is not None
    return found


@pytest.fixture
def coordinator(db: Database) -> Coordinator:
    """Pools a (current), b and c; client c1."""
    insert(db, "clients", id="c1", name="n", email="e", client_token="t")
    for zone in "abc":
        insert(db, "spot_pools", id=f"t3.{zone}", instance_type="t3", region="r", az=f"r-{zone}")
    insert(db, "spot_pools", id="m5.a", instance_type="m5", region="r", az="r-a")
    return Coordinator(db, settle=0)


def agent(db: Database, name: str = "a1", pool: str | None = "t3.a", **values: Any) -> None:
    """An agent that is enabled and online, with one active instance."""
    defaults = {"client_id": "c1", "logical_agent_id": name, "instance_id": f"i-{name}", "status": "online"}
    insert(db, "agents", **{"id": name, **defaults, "auto_switch_enabled": 0, **values})
    instance(db, name, f"i-{name}", pool)


def instance(db: Database, agent_id: str, name: str, pool: str | None = "t3.a", **values: Any) -> None:
    defaults = {"client_id": "c1", "instance_type": "t3", "region": "r", "az": "r-a", "current_pool_id": pool}
    insert(db, "instances", id=name, agent_id=agent_id, **defaults, **values)


def replica(db: Database, name: str, agent_id: str = "a1", **values: Any) -> None:
    insert(
        db,
        "replica_instances",
        **{
            "id": name,
            "agent_id": agent_id,
            "instance_id": f"i-{name}",
            "replica_type": "manual",
            "status": "ready",
            **values,
        },
    )


def event(db: Database, seconds_ago: int = 10, agent_id: str = "a1", **values: Any) -> None:
    insert(
        db,
        "spot_interruption_events",
        **{
            "agent_id": agent_id,
            "instance_id": "i-a1",
            "signal_type": "termination-notice",
            "response_action": "no-action",
            "detected_at": datetime.now() - timedelta(seconds=seconds_ago),
            **values,
        },
    )


def replicas(db: Database, where: str = "1 = 1") -> list[Row]:
    return db.fetch_all(f"SELECT * FROM replica_instances WHERE {where} ORDER BY created_at, id")


def standing(db: Database) -> list[Row]:
    return replicas(db, "is_active = 1 AND status NOT IN ('terminated', 'promoted')")


# Manual mode


def test_manual_mode_creates_one_replica_in_the_cheapest_other_pool(db: Database, coordinator: Coordinator) -> None:
    agent(db, manual_replica_enabled=1, replica_count=5)
    for pool, price, minutes in (("t3.a", 0.01, 1), ("t3.b", 0.03, 1), ("t3.c", 0.01, 61), ("t3.b", 0.02, 50)):
        moment = db.now() - timedelta(minutes=minutes)
        insert(db, "spot_price_snapshots", pool_id=pool, price=price, captured_at=moment)
    for _ in range(3):
        coordinator.run_once()
    (made,) = replicas(db)
    assert made["instance_id"] == f"manual-{made['id'][:8]}"
    assert {name: made[name] for name in ("agent_id", "replica_type", "status", "pool_id", "az", "created_by")} == {
        "agent_id": "a1",
        "replica_type": "manual",
        "status": "launching",
        "pool_id": "t3.b",
        "az": "r-b",
        "created_by": "coordinator",
    }
    assert (made["parent_instance_id"], made["hourly_cost"], made["tags"]) == ("i-a1", Decimal("0.030000"), None)
    state = row(db, "SELECT current_replica_id, replica_count FROM agents")
    assert state == {"current_replica_id": made["id"], "replica_count": 1}
    assert db.fetch_all("SELECT id FROM system_events") == []
    assert db.fetch_all("SELECT id FROM notifications") == []


def test_unknown_prices_come_last_and_cost_five_cents(db: Database, coordinator: Coordinator) -> None:
    agent(db, manual_replica_enabled=1)
    coordinator.run_once()
    (made,) = replicas(db)
    assert made["pool_id"] == "t3.b"
    assert made["hourly_cost"] == Decimal("0.050000")


def test_the_only_pool_is_used_even_when_it_is_the_current_one(db: Database, coordinator: Coordinator) -> None:
    agent(db, manual_replica_enabled=1)
    db.execute("DELETE FROM spot_pools WHERE id IN ('t3.b', 't3.c')")
    coordinator.run_once()
    assert [made["pool_id"] for made in replicas(db)] == ["t3.a"]


def test_without_an_active_instance_or_a_pool_nothing_is_created(db: Database, coordinator: Coordinator) -> None:
    agent(db, "a1", manual_replica_enabled=1)
    agent(db, "a2", manual_replica_enabled=1)
    db.execute("UPDATE instances SET is_active = 0 WHERE agent_id = 'a1'")
    db.execute("UPDATE instances SET instance_type = 'x9' WHERE agent_id = 'a2'")
    coordinator.run_once()
    assert replicas(db) == []


def test_a_failed_replica_counts_and_a_surplus_is_terminated(db: Database, coordinator: Coordinator) -> None:
    agent(db, manual_replica_enabled=1, replica_count=3)
    for name in ("r1", "r2", "r3"):
        replica(db, name, status="failed")
    coordinator.run_once()
    assert len(standing(db)) == 1
    gone = replicas(db, "status = 'terminated'")
    assert len(gone) == 2
    assert all(made["is_active"] == 0 and made["terminated_at"] is not None for made in gone)
    assert row(db, "SELECT replica_count FROM agents") == {"replica_count": 3}


def test_after_a_promotion_every_pass_makes_one_more_for_five_minutes(db: Database, coordinator: Coordinator) -> None:
    agent(db, manual_replica_enabled=1)
    replica(db, "old", status="promoted", promoted_at=db.now() - timedelta(minutes=4))
    for passes in range(1, 5):
        coordinator.run_once()
        assert len(standing(db)) == 2
        assert len(replicas(db)) == passes + 2
    db.execute("UPDATE replica_instances SET promoted_at = %s WHERE id = 'old'", (db.now() - timedelta(minutes=6),))
    coordinator.run_once()
    coordinator.run_once()
    assert len(standing(db)) == 1
    assert row(db, "SELECT replica_count FROM agents") == {"replica_count": 1}


def test_two_active_instances_break_the_pass_but_cost_no_connection(db: Database, coordinator: Coordinator) -> None:
    agent(db, manual_replica_enabled=1)
    instance(db, "a1", "i-second")
    for _ in range(db.pool_size + 1):
        with pytest.raises(DatabaseError, match="Unread result found"):
            coordinator.run_once()
    assert db.free_connections == db.pool_size


@pytest.mark.parametrize("values", [{"enabled": 0}, {"status": "offline"}, {"manual_replica_enabled": 0}])
def test_other_agents_are_left_alone(db: Database, coordinator: Coordinator, values: Row) -> None:
    agent(db, **{"manual_replica_enabled": 1, **values})
    coordinator.run_once()
    assert replicas(db) == []


# Auto-switch mode


def test_auto_switch_wins_over_manual_mode_and_waits_for_an_event(db: Database, coordinator: Coordinator) -> None:
    agent(db, auto_switch_enabled=1, manual_replica_enabled=1)
    coordinator.run_once()
    event(db, seconds_ago=7300, signal_type="rebalance-recommendation")
    coordinator.run_once()
    assert replicas(db) == []


def test_a_rebalance_recommendation_makes_one_emergency_replica(db: Database, coordinator: Coordinator) -> None:
    agent(db, auto_switch_enabled=1, replica_count=2)
    event(db, signal_type="rebalance-recommendation")
    for pool, price in (("t3.b", 0.03), ("t3.c", 0.02)):
        insert(
            db,
            "pricing_snapshots_clean",
            pool_id=pool,
            instance_type="t3",
            region="r",
            az="z",
            spot_price=price,
            source_type="primary",
            time_bucket=db.now(),
            bucket_start=db.now(),
            bucket_end=db.now(),
        )
    coordinator.run_once()
    coordinator.run_once()
    (made,) = replicas(db)
    assert made["instance_id"] == f"emergency-{made['id'][:8]}"
    assert (made["replica_type"], made["status"], made["pool_id"]) == ("automatic-rebalance", "launching", "t3.c")
    assert (made["created_by"], made["parent_instance_id"]) == ("coordinator", "i-a1")
    assert made["hourly_cost"] == Decimal("0.020000")
    assert row(db, "SELECT replica_count FROM agents") == {"replica_count": 3}
    assert row(db, "SELECT replica_id FROM spot_interruption_events") == {"replica_id": None}


def test_a_pool_without_a_price_counts_as_the_cheapest(db: Database, coordinator: Coordinator) -> None:
    agent(db, auto_switch_enabled=1)
    event(db, signal_type="rebalance-recommendation")
    coordinator.run_once()
    (made,) = replicas(db)
    assert (made["pool_id"], made["hourly_cost"]) == ("t3.b", None)


def test_without_a_current_pool_no_emergency_replica_is_made(db: Database, coordinator: Coordinator) -> None:
    agent(db, pool=None, auto_switch_enabled=1)
    event(db, signal_type="rebalance-recommendation")
    coordinator.run_once()
    assert replicas(db) == []


def test_an_event_with_its_replica_needs_no_other(db: Database, coordinator: Coordinator) -> None:
    agent(db, auto_switch_enabled=1, current_replica_id="elsewhere")
    event(db, signal_type="rebalance-recommendation", replica_id="elsewhere")
    coordinator.run_once()
    assert replicas(db) == []


@pytest.mark.parametrize("known_price", [None, 0.07])
def test_a_termination_notice_completes_the_failover(
    db: Database, coordinator: Coordinator, known_price: float | None
) -> None:
    agent(db, auto_switch_enabled=1, replica_count=1, current_replica_id="r1")
    replica(db, "r1", status="launching", pool_id="t3.b", instance_type="t3", region="r", az="r-b", hourly_cost=0.02)
    event(db, replica_id="r1", success=0)
    if known_price:
        insert(db, "ondemand_prices", instance_type="t3", region="r", price=known_price)
    coordinator.run_once()
    new = row(db, "SELECT * FROM instances WHERE id = 'i-r1'")
    price = Decimal("0.070000") if known_price else Decimal("0.041600")
    assert (new["client_id"], new["agent_id"], new["current_mode"]) == ("c1", None, "spot")
    assert (new["spot_price"], new["ondemand_price"], new["baseline_ondemand_price"]) == (
        *(Decimal("0.020000"), price, price),
    )
    assert row(db, "SELECT is_active FROM instances WHERE id = 'i-a1'") == {"is_active": 1}
    state = row(db, "SELECT * FROM agents")
    assert (state["instance_id"], state["current_replica_id"], state["replica_count"]) == ("i-r1", None, 1)
    assert state["interruption_handled_count"] == 1
    assert state["last_failover_at"] is not None
    (made,) = replicas(db)
    assert (made["status"], made["is_active"]) == ("promoted", 1)
    assert made["promoted_at"] is not None
    assert made["failover_completed_at"] is not None
    done = row(db, "SELECT failover_completed, success FROM spot_interruption_events")
    assert done == {"failover_completed": 1, "success": 1}
    assert db.fetch_all("SELECT id FROM instance_switches") == []


def test_a_notice_without_a_replica_changes_nothing(
    db: Database, coordinator: Coordinator, caplog: pytest.LogCaptureFixture
) -> None:
    agent(db, auto_switch_enabled=1)
    event(db)
    before = row(db, "SELECT * FROM agents")
    coordinator.run_once()
    assert row(db, "SELECT * FROM agents") == before
    assert [record.levelname for record in caplog.records] == ["CRITICAL", "ERROR"]


def test_a_completed_failover_is_marked_on_its_events(db: Database, coordinator: Coordinator) -> None:
    agent(db, auto_switch_enabled=1)
    event(db, seconds_ago=500, failover_completed=1)
    event(db, failover_completed=1, metadata='{"a": 1}')
    coordinator.run_once()
    coordinator.run_once()
    older, newer = db.fetch_all("SELECT metadata FROM spot_interruption_events ORDER BY detected_at")
    assert older == {"metadata": None}
    assert json.loads(newer["metadata"]) == {"a": 1, "emergency_complete": True}


# Data quality


def bucket(db: Database, back: int, price: float, pool: str = "t3.a") -> datetime:
    """A measured bucket, ``back`` buckets before the current one."""
    now = db.now()
    start = now - timedelta(minutes=now.minute % 5 + 5 * back, seconds=now.second)
    insert(
        db,
        "pricing_snapshots_clean",
        pool_id=pool,
        instance_type="t3",
        region="r",
        az="z",
        spot_price=price,
        ondemand_price=0.05,
        time_bucket=start,
        bucket_start=start,
        bucket_end=start,
        source_type="primary",
    )
    return start


def test_a_pool_with_one_point_is_left_alone(db: Database, coordinator: Coordinator) -> None:
    coordinator.check_data_quality()
    bucket(db, 1, 0.01)
    coordinator.check_data_quality()
    assert row(db, "SELECT COUNT(*) AS n FROM pricing_snapshots_clean") == {"n": 1}


def test_missing_buckets_take_the_nearest_price_once(db: Database, coordinator: Coordinator) -> None:
    first = bucket(db, 10, 0.01)
    bucket(db, 9, 0.02)
    coordinator.check_data_quality()
    made = db.fetch_all("SELECT * FROM pricing_snapshots_clean WHERE source_type = 'interpolated' ORDER BY time_bucket")
    leading = [one for one in made if one["time_bucket"] < first]
    trailing = [one for one in made if one["time_bucket"] > first]
    assert len(leading) in (277, 278, 279)
    assert len(trailing) in (9, 10)
    assert {one["spot_price"] for one in leading} == {Decimal("0.010000")}
    assert {one["spot_price"] for one in trailing} == {Decimal("0.020000")}
    example = leading[-1]
    assert example["bucket_start"] == example["time_bucket"] == first - timedelta(minutes=5)
    assert example["bucket_end"] == first
    assert (example["confidence_score"], example["data_source"], example["savings_percent"]) == (
        *(Decimal("0.50"), "interpolated", None),
    )
    assert example["ondemand_price"] == Decimal("0.050000")
    with pytest.raises(DatabaseError, match=r"^1062 .*'unique_pool_bucket'"):
        coordinator.check_data_quality()


def test_a_gap_between_two_prices_ends_the_pass(db: Database, coordinator: Coordinator) -> None:
    first = bucket(db, 20, 0.01)
    bucket(db, 10, 0.02)
    bucket(db, 3, 0.01, pool="t3.b")
    bucket(db, 2, 0.01, pool="t3.b")
    with pytest.raises(TypeError, match=r"^unsupported operand type\(s\) for \*: 'decimal.Decimal' and 'float'$"):
        coordinator.check_data_quality()
    made = db.fetch_all("SELECT pool_id, time_bucket FROM pricing_snapshots_clean WHERE source_type = 'interpolated'")
    assert {one["pool_id"] for one in made} == {"t3.a"}
    assert all(one["time_bucket"] < first for one in made)
    assert len(made) >= 267


# Loops


def test_both_loops_start_at_once_and_stop(db: Database, coordinator: Coordinator) -> None:
    agent(db, manual_replica_enabled=1)
    bucket(db, 10, 0.01)
    bucket(db, 9, 0.02)
    running = spot_jobs.start_coordinator(db)
    names = {thread.name for thread in threading.enumerate() if thread.daemon}
    assert {"coordinator-monitor", "coordinator-quality"} <= names
    eventually(lambda: len(replicas(db)) == 1)
    eventually(lambda: row(db, "SELECT COUNT(*) AS n FROM pricing_snapshots_clean")["n"] >= 287)
    running.stop()
    left = {thread.name for thread in threading.enumerate()}
    assert not {"coordinator-monitor", "coordinator-quality"} & left


def test_the_monitor_repeats_after_its_interval(sqlite_db: Database) -> None:
    insert(sqlite_db, "clients", id="c1", name="n", email="e", client_token="t")
    insert(sqlite_db, "spot_pools", id="t3.b", instance_type="t3", region="r", az="r-b")
    running = Coordinator(sqlite_db, interval=0.01)
    running.start()
    try:
        agent(sqlite_db, manual_replica_enabled=1)
        eventually(lambda: len(replicas(sqlite_db)) == 1)
    finally:
        running.stop()
