"""Replicas that are needed because an instance is about to go, from the first signal to the takeover."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.backend.conftest import Spot
from tests.backend.standby import (
    add_pools,
    assert_one_primary,
    create,
    delete,
    insert_bucket,
    insert_replica,
    insert_signal,
    instances,
    launched,
    pool_in,
    put,
    replica,
    replicas,
    set_agent,
    use_manual_mode,
)

UNKNOWN = "00000000-0000-4000-8000-000000000000"
REBALANCE = {"signal_type": "rebalance-recommendation", "instance_id": "i-1"}
TERMINATION = {"signal_type": "termination-notice", "instance_id": "i-1", "termination_time": "2026-11-21T03:45:00Z"}


@pytest.fixture
def endangered(spot: Spot) -> Spot:
    """An agent that switches automatically, with pools in three zones."""
    add_pools(spot)
    return spot


def emergency(spot: Spot, body: Any = None, **others: Any) -> Any:
    return spot.post("create-emergency-replica", {**(REBALANCE if body is None else body), **others})


def signals(spot: Spot) -> list[dict[str, Any]]:
    return spot.sql("SELECT * FROM spot_interruption_events ORDER BY id")


@pytest.mark.parametrize(
    ("body", "kind", "urgency"),
    [(REBALANCE, "automatic-rebalance", "high"), (TERMINATION, "automatic-termination", "critical")],
)
def test_a_signal_gets_the_agent_a_replica(endangered: Spot, body: dict[str, Any], kind: str, urgency: str) -> None:
    answer = emergency(endangered, body)
    replica_id = answer.json["replica_id"]
    placeholder = f"emergency-{replica_id[:8]}"
    assert answer.status_code == 201
    assert answer.json == {
        "success": True,
        "replica_id": replica_id,
        "instance_id": placeholder,
        "replica_instance_id": placeholder,
        "pool": {"id": pool_in("c"), "name": "t3.medium (us-east-1c)", "az": "us-east-1c"},
        "hourly_cost": 0.0119,
        "message": "Emergency replica created. Connect immediately for state sync.",
        "urgency": urgency,
    }
    row = replica(endangered, replica_id)
    assert (row["replica_type"], row["status"], row["created_by"]) == (kind, "launching", "system")
    assert (row["parent_instance_id"], row["interruption_signal_type"]) == ("i-1", body["signal_type"])
    assert row["termination_time"] == ("2026-11-21 03:45:00" if body is TERMINATION else None)
    agent = endangered.agent()
    assert (agent["replica_count"], agent["current_replica_id"]) == (1, replica_id)
    assert agent["last_interruption_signal"] is not None
    (signal,) = signals(endangered)
    assert (signal["agent_id"], signal["instance_id"]) == (endangered.agent_id, "i-1")
    assert (signal["signal_type"], signal["replica_id"]) == (body["signal_type"], replica_id)
    assert (signal["response_action"], signal["success"], signal["failover_completed"]) == ("created-replica", 1, 0)
    assert signal["termination_time"] == row["termination_time"]


def test_from_the_signal_to_the_takeover(endangered: Spot) -> None:
    """What the shipped agent does, step by step."""
    assert endangered.post("rebalance-recommendation", {"instance_id": "i-1"}).status_code == 200
    assert signals(endangered) == []
    replica_id = emergency(endangered).json["replica_id"]
    (wanted,) = replicas(endangered, "status=launching")
    assert (wanted["id"], wanted["pool_id"], wanted["az"]) == (replica_id, pool_in("c"), "us-east-1c")
    assert put(endangered, replica_id, {"instance_id": "i-2", "status": "syncing"}).status_code == 200
    assert replicas(endangered, "status=launching") == []
    ready = {"status": "ready", "sync_completed_at": "2026-11-21T03:15:53.5+00:00"}
    assert endangered.post(f"replicas/{replica_id}/status", ready).status_code == 200
    assert emergency(endangered, TERMINATION).json["replica_id"] == replica_id
    assert_one_primary(endangered, "i-1")
    notice = {"instance_id": "i-1", "termination_time": "2026-11-21T03:45:00Z"}
    taken = endangered.post("termination-imminent", notice)
    assert (taken.status_code, taken.json["success"], taken.json["new_instance_id"]) == (200, True, "i-2")
    assert_one_primary(endangered, "i-2")
    assert instances(endangered)["i-1"] == (False, True)
    recommended, noticed = signals(endangered)
    assert (recommended["failover_completed"], noticed["failover_completed"]) == (0, 1)
    assert (noticed["replica_ready"], noticed["success"], noticed["failover_time_ms"] is None) == (1, 1, False)
    assert endangered.agent()["replica_count"] == 0


def test_only_the_switch_for_what_is_automatic_counts(endangered: Spot) -> None:
    """Neither being disabled, offline or without replicas enabled, nor having a replica, is in the way."""
    use_manual_mode(endangered)
    launched(endangered, create(endangered, "b"))
    off = emergency(endangered)
    assert off.status_code == 403
    assert off.json == {
        "error": "Emergency replica creation disabled",
        "reason": "auto_switch_enabled is OFF. Enable auto-switch mode in agent configuration to allow automatic "
        "emergency replicas.",
        "hint": "Turn on Auto-Switch Mode in agent settings to enable emergency failover protection",
    }
    assert signals(endangered) == []
    set_agent(
        endangered, auto_switch_enabled=1, manual_replica_enabled=0, replica_enabled=0, enabled=0, status="offline"
    )
    assert emergency(endangered).status_code == 201
    assert endangered.agent()["replica_count"] == 2


def test_even_that_switch_does_not_count_where_the_operator_says_so(endangered: Spot) -> None:
    told = endangered.told(EMERGENCIES_BYPASS_AUTO_SWITCH="true")
    use_manual_mode(told)
    answer = emergency(told, TERMINATION)
    assert (answer.status_code, answer.json["urgency"]) == (201, "critical")
    launched(told, answer.json["replica_id"])
    notice = {"instance_id": "i-1", "termination_time": "2026-11-21T03:45:00Z"}
    assert told.post("termination-imminent", notice).json["new_instance_id"] == "i-2"
    assert_one_primary(told, "i-2")


def test_who_gets_none(spot: Spot) -> None:
    for signal_type in ("bogus", None, "", ["rebalance-recommendation"], {}):
        answer = emergency(spot, signal_type=signal_type)
        assert (answer.status_code, answer.json) == (400, {"error": "Invalid signal_type"})
    unknown = spot.post("create-emergency-replica", REBALANCE, UNKNOWN)
    assert (unknown.status_code, unknown.json) == (404, {"error": "Agent not found"})
    set_agent(spot, instance_id="i-nobody-knows")
    assert emergency(spot).json == {"error": "Agent not found"}
    unread = spot.http.post(f"/api/agents/{spot.agent_id}/create-emergency-replica")
    assert (unread.status_code, unread.json["error"][:3]) == (500, "415")


def test_without_a_pool_the_signal_is_kept(spot: Spot) -> None:
    add_pools(spot, {"a": 0.01})
    for _ in range(2):
        answer = emergency(spot, exclude_zones=["us-east-1a"])
        assert answer.status_code == 500
        assert answer.json == {
            "error": "No suitable pool found for emergency replica",
            "hint": "All pools may be at risk or unavailable",
        }
    (signal,) = signals(spot)
    assert (signal["response_action"], signal["success"], signal["replica_id"]) == ("no-action", 0, None)
    assert spot.agent()["last_interruption_signal"] is not None


def test_a_time_that_is_none_leaves_nothing(endangered: Spot) -> None:
    answer = emergency(endangered, TERMINATION, termination_time="soon")
    assert answer.json["error"].startswith("1292 (22007): Incorrect datetime value: 'soon'")
    assert (replicas(endangered), signals(endangered), endangered.agent()["replica_count"]) == ([], [], 0)


def test_the_agents_own_instance_is_meant_when_none_is_named(endangered: Spot) -> None:
    assert emergency(endangered, {"signal_type": "rebalance-recommendation"}).status_code == 201
    assert signals(endangered)[0]["instance_id"] == "i-1"


def test_a_signal_that_is_sent_again_is_answered_with_the_same_replica(endangered: Spot) -> None:
    first = emergency(endangered).json
    assert emergency(endangered).json == first
    assert len(signals(endangered)) == len(replicas(endangered)) == endangered.agent()["replica_count"] == 1


def test_a_replica_that_failed_or_is_where_it_must_not_be_is_no_answer(endangered: Spot) -> None:
    first = emergency(endangered).json["replica_id"]
    second = emergency(endangered, exclude_zones=["us-east-1c"]).json
    assert (second["replica_id"] != first, second["pool"]["az"]) == (True, "us-east-1b")
    for replica_id in (first, second["replica_id"]):
        endangered.post(f"replicas/{replica_id}/status", {"status": "failed"})
    assert emergency(endangered).json["replica_id"] not in (first, second["replica_id"])


def test_a_deleted_emergency_replica_is_no_answer(endangered: Spot) -> None:
    first = emergency(endangered).json["replica_id"]
    delete(endangered, first)
    assert emergency(endangered).json["replica_id"] != first


def interrupted(spot: Spot, zone: str, times: int, days_ago: float = 1) -> None:
    for _ in range(times):
        signal = {"agent_id": "somebody", "instance_id": "i-x", "signal_type": "termination-notice"}
        insert_signal(spot, timedelta(days=days_ago), **signal, pool_id=pool_in(zone))


@pytest.mark.parametrize(
    ("interruptions", "wishes", "zone"),
    [
        ({}, {}, "c"),
        ({"c": 1}, {}, "b"),
        ({"c": 1, "b": 2}, {}, "c"),
        ({"c": 1, "b": 1}, {}, "c"),
        ({"c": 3, "b": 3}, {"preferred_zones": ["us-east-1a"]}, "a"),
        ({"b": 3}, {"preferred_zones": ["us-east-1b"], "exclude_zones": ["us-east-1a"]}, "b"),
        ({}, {"exclude_zones": ["us-east-1c", "us-east-1b"]}, "a"),
    ],
)
def test_the_safest_pool_is_taken(
    endangered: Spot, interruptions: dict[str, int], wishes: dict[str, Any], zone: str
) -> None:
    """Other zones first, then few interruptions, then low prices; the agent runs on demand in zone a."""
    for interrupted_zone, times in interruptions.items():
        interrupted(endangered, interrupted_zone, times)
    assert emergency(endangered, **wishes).json["pool"]["az"] == f"us-east-1{zone}"


def test_interruptions_of_more_than_a_month_ago_are_forgotten(endangered: Spot) -> None:
    interrupted(endangered, "c", 5, days_ago=31)
    interrupted(endangered, "b", 1, days_ago=29)
    assert emergency(endangered).json["pool"]["az"] == "us-east-1c"


def test_the_current_pool_is_not_safe(bare: Spot) -> None:
    bare.agent_id = bare.register(mode="spot", az="us-east-1c").json["agent_id"]
    add_pools(bare)
    assert emergency(bare).json["pool"]["az"] == "us-east-1a"


def test_in_an_emergency_an_unknown_price_will_do(spot: Spot) -> None:
    add_pools(spot, {"b": None})
    answer = emergency(spot)
    assert (answer.status_code, answer.json["pool"]["id"], answer.json["hourly_cost"]) == (201, pool_in("b"), None)


def test_what_is_known_around_an_interruption_is_kept(bare: Spot) -> None:
    bare.agent_id = bare.register(mode="spot").json["agent_id"]
    add_pools(bare)
    for minutes, price in ((130, 0.010), (50, 0.010), (25, 0.012), (5, 0.012)):
        insert_bucket(bare, "a", price, age=timedelta(minutes=minutes))
    bare.sql("UPDATE instances SET installed_at = datetime('now', '-90 minutes')")
    insert_signal(bare, timedelta(hours=2), signal_type="rebalance-recommendation", pool_id=pool_in("a"))
    interrupted(bare, "b", 2)
    bare.register(logical_agent_id="agent-2", instance_id="i-9", mode="spot")
    emergency(bare)
    signal = signals(bare)[-1]
    assert signal["pool_id"] == pool_in("a")
    assert signal["instance_age_hours"] == pytest.approx(1.5, abs=0.02)
    assert (signal["spot_price_at_interruption"], signal["price_trend_before"]) == (0.012, "rising")
    assert (signal["price_change_percent"], signal["time_since_price_change_minutes"]) == (20, 25)
    assert (signal["previous_interruptions_count"], signal["competing_instances_count"]) == (1, 1)
    assert signal["time_since_last_interruption_hours"] == pytest.approx(2, abs=0.02)
    assert signal["pool_historical_interruption_rate"] == pytest.approx(1 / 30, abs=1e-4)
    assert signal["region_interruption_rate"] == pytest.approx(3 / 30, abs=1e-4)
    assert (0 <= signal["day_of_week"] <= 6, 0 <= signal["hour_of_day"] <= 23) == (True, True)


@pytest.mark.parametrize(("prices", "trend"), [((0.02, 0.018), "falling"), ((0.02, 0.0201), "stable")])
def test_trends_of_reported_prices(bare: Spot, prices: tuple[float, float], trend: str) -> None:
    bare.agent_id = bare.register(mode="spot").json["agent_id"]
    add_pools(bare, {"a": None, "b": 0.01})
    for age, price in zip(("-30 minutes", "-1 minutes"), prices, strict=True):
        captured = "INSERT INTO spot_price_snapshots (pool_id, price, captured_at) VALUES (?, ?, datetime('now', ?))"
        bare.sql(captured, pool_in("a"), price, age)
    emergency(bare)
    assert signals(bare)[0]["price_trend_before"] == trend


def test_emergency_replicas_are_preferred_by_nothing_but_their_readiness(endangered: Spot) -> None:
    """The notice takes what is ready, whoever asked for it."""
    emergency(endangered)
    insert_replica(endangered, "manual")
    assert endangered.post("termination-imminent", {"instance_id": "i-1"}).json["replica_id"] == "manual"


def test_it_works_on_the_servers_too(spot_on_server: Spot) -> None:
    spot = spot_on_server
    add_pools(spot)
    spot.sql("UPDATE agents SET current_pool_id = ?", pool_in("a"))
    replica_id = emergency(spot).json["replica_id"]
    assert emergency(spot).json["replica_id"] == replica_id
    launched(spot, replica_id)
    assert emergency(spot, TERMINATION).json["urgency"] == "critical"
    answer = spot.post("termination-imminent", {"instance_id": "i-1", "termination_time": "2026-11-21T03:45:00Z"})
    assert (answer.status_code, answer.json["new_instance_id"]) == (200, "i-2")
    assert_one_primary(spot, "i-2")
    first, second = signals(spot)
    assert float(first["spot_price_at_interruption"]) == 0.0125
    assert (bool(first["failover_completed"]), bool(second["failover_completed"])) == (False, True)
    assert (
        emergency(spot, {"signal_type": "rebalance-recommendation"}, exclude_zones=["us-east-1a", "us-east-1b"])
        .json["error"]
        .startswith("No suitable pool")
    )
