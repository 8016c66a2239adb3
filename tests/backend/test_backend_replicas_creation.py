"""Replicas that operators ask for: which pool they go to, who may have one, and how they are listed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.backend.conftest import REGISTRATION, Spot
from tests.backend.standby import (
    add_pools,
    create,
    delete,
    insert_bucket,
    launched,
    pool_in,
    replica,
    replicas,
    set_agent,
    use_manual_mode,
)

UNKNOWN = "00000000-0000-4000-8000-000000000000"
NO_POOL = {"error": "No suitable pool found", "hint": "Try adjusting exclude_zones or max_hourly_cost"}


@pytest.fixture
def manual(spot: Spot) -> Spot:
    """An agent in manual mode, with pools in three zones."""
    use_manual_mode(spot)
    add_pools(spot)
    return spot


def test_a_replica_is_made_in_the_pool_that_is_named(manual: Spot) -> None:
    insert_bucket(manual, "b", 0.0131, age=timedelta(days=40))
    answer = manual.post("replicas", {"pool_id": pool_in("b"), "tags": {"env": "test"}, "created_by": "ops"})
    replica_id = answer.json["replica_id"]
    assert answer.status_code == 201
    assert answer.json == {
        "success": True,
        "replica_id": replica_id,
        "instance_id": f"replica-{replica_id[:8]}",
        "pool": {
            "id": pool_in("b"),
            "name": "t3.medium (us-east-1b)",
            "instance_type": "t3.medium",
            "region": "us-east-1",
            "az": "us-east-1b",
        },
        "hourly_cost": 0.0131,
        "status": "launching",
        "message": "Replica is launching. Connect your agent to establish sync.",
    }
    stored = replica(manual, replica_id)
    assert (stored["replica_type"], stored["created_by"], stored["parent_instance_id"]) == ("manual", "ops", "i-1")
    assert (manual.agent()["replica_count"], manual.agent()["current_replica_id"]) == (1, replica_id)


@pytest.mark.parametrize("body", [{}, {"pool_id": None}, {"pool_id": ""}, {"pool_id": "auto"}])
def test_without_a_pool_the_cheapest_one_is_taken(manual: Spot, body: dict[str, Any]) -> None:
    answer = manual.post("replicas", body)
    assert answer.status_code == 201
    assert (answer.json["pool"]["id"], answer.json["hourly_cost"]) == (pool_in("c"), 0.0119)


@pytest.mark.parametrize(
    ("limits", "zone"),
    [
        ({"exclude_zones": ["us-east-1c"]}, "a"),
        ({"exclude_zones": ["us-east-1c", "us-east-1a"]}, "b"),
        ({"max_hourly_cost": 0.0119}, "c"),
        ({"max_hourly_cost": "0.5"}, "c"),
        ({"exclude_zones": None, "max_hourly_cost": None}, "c"),
    ],
)
def test_the_choice_keeps_the_limits(manual: Spot, limits: dict[str, Any], zone: str) -> None:
    assert manual.post("replicas", limits).json["pool"]["id"] == pool_in(zone)


@pytest.mark.parametrize(
    "limits", [{"max_hourly_cost": 0.0118}, {"exclude_zones": [f"us-east-1{zone}" for zone in "abc"]}]
)
def test_no_pool_within_the_limits_is_a_refusal(manual: Spot, limits: dict[str, Any]) -> None:
    answer = manual.post("replicas", limits)
    assert (answer.status_code, answer.json) == (400, NO_POOL)
    assert replicas(manual) == []


def test_the_current_pool_is_never_chosen(bare: Spot) -> None:
    bare.agent_id = bare.register(mode="spot", az="us-east-1c").json["agent_id"]
    use_manual_mode(bare)
    add_pools(bare)
    assert bare.post("replicas", {}).json["pool"]["id"] == pool_in("a")


def test_pools_whose_price_is_old_or_unknown_are_not_chosen(spot: Spot) -> None:
    use_manual_mode(spot)
    add_pools(spot, {"b": 0.01, "c": None})
    spot.sql("UPDATE spot_price_snapshots SET captured_at = datetime('now', '-2 hours')")
    assert spot.post("replicas", {}).json == NO_POOL


def test_retired_pools_and_pools_elsewhere_are_not_chosen(manual: Spot) -> None:
    manual.sql("UPDATE spot_pools SET is_active = 0 WHERE id = ?", pool_in("c"))
    manual.sql("UPDATE spot_pools SET region = 'us-west-2' WHERE id = ?", pool_in("a"))
    assert manual.post("replicas", {}).json["pool"]["id"] == pool_in("b")


def test_a_fresh_bucket_counts_more_than_what_agents_reported(manual: Spot) -> None:
    insert_bucket(manual, "b", 0.001, age=timedelta(minutes=4))
    insert_bucket(manual, "a", 0.0001, age=timedelta(minutes=6))
    answer = manual.post("replicas", {}).json
    assert (answer["pool"]["id"], answer["hourly_cost"]) == (pool_in("b"), 0.001)


def test_one_replica_is_the_most(manual: Spot) -> None:
    replica_id = create(manual)
    refused = manual.post("replicas", {"pool_id": pool_in("a")})
    assert refused.status_code == 400
    assert refused.json == {
        "error": "Replica already exists for this agent",
        "current_count": 1,
        "max_allowed": 1,
        "note": "Manual replica mode maintains exactly 1 replica. Delete existing replica first.",
    }
    delete(manual, replica_id)
    assert manual.post("replicas", {"pool_id": pool_in("a")}).status_code == 201


def test_a_counter_nobody_set_is_told_as_it_was(manual: Spot) -> None:
    set_agent(manual, replica_count=None)
    answer = manual.post("replicas", {})
    assert answer.status_code == 500
    assert answer.json == {"error": "'>=' not supported between instances of 'NoneType' and 'int'"}


def test_who_gets_none(spot: Spot) -> None:
    offline = {"error": "Agent not found or offline"}
    disabled = spot.post("replicas", {"pool_id": "nope"})
    assert (disabled.status_code, disabled.json["error"]) == (400, "Manual replicas not enabled for this agent")
    assert disabled.json["hint"] == "Enable manual_replica_enabled in agent settings"
    assert spot.post("replicas", {}, UNKNOWN).json == offline
    set_agent(spot, status="offline")
    assert (spot.post("replicas", {}).status_code, spot.post("replicas", {}).json) == (404, offline)
    set_agent(spot, status="online", instance_id="i-nobody-knows")
    assert spot.post("replicas", {}).json == offline


def test_pools_that_cannot_be_named(manual: Spot) -> None:
    manual.sql("INSERT INTO spot_pools (id, instance_type, region, az) VALUES ('m5', 'm5.large', 'us-east-1', 'z')")
    for pool_id in ("nope", 5, True):
        answer = manual.post("replicas", {"pool_id": pool_id})
        assert (answer.status_code, answer.json) == (404, {"error": "Pool not found"})
    other = manual.post("replicas", {"pool_id": "m5"})
    assert other.status_code == 400
    assert other.json == {"error": "Pool instance type mismatch", "agent_type": "t3.medium", "pool_type": "m5.large"}
    assert manual.post("replicas", {"pool_id": {}}).status_code == 201
    delete(manual, replicas(manual)[0]["id"])
    assert manual.post("replicas", {"pool_id": ["x"]}).json == {"error": "Python type list cannot be converted"}


def test_bodies_that_cannot_be_read_are_failures(manual: Spot) -> None:
    url = f"/api/agents/{manual.agent_id}/replicas"
    unsupported = manual.http.post(url)
    malformed = manual.http.post(url, data="{", content_type="application/json")
    assert (unsupported.status_code, malformed.status_code) == (500, 500)
    assert unsupported.json["error"].startswith("415 Unsupported Media Type: ")
    assert malformed.json["error"].startswith("400 Bad Request: ")
    assert manual.post("replicas", [1]).json == {"error": "'list' object has no attribute 'get'"}
    assert manual.post("replicas", []).status_code == 201


def test_the_list_shows_what_agents_and_people_look_for(manual: Spot) -> None:
    replica_id = create(manual)
    (shown,) = replicas(manual)
    assert shown.pop("created_at")
    assert shown == {
        "id": replica_id,
        "instance_id": f"replica-{replica_id[:8]}",
        "type": "manual",
        "status": "launching",
        "sync_status": "initializing",
        "sync_latency_ms": None,
        "state_transfer_progress": 0.0,
        "pool": {
            "id": pool_in("b"),
            "name": "t3.medium (us-east-1b)",
            "instance_type": "t3.medium",
            "region": "us-east-1",
            "az": "us-east-1b",
        },
        "pool_id": pool_in("b"),
        "region": "us-east-1",
        "az": "us-east-1b",
        "cost": {"hourly": None, "total": 0.0},
        "created_by": "unknown",
        "ready_at": None,
        "terminated_at": None,
        "age_seconds": 0,
        "is_active": True,
        "tags": {},
    }


def test_the_list_is_filtered_by_status(manual: Spot) -> None:
    replica_id = launched(manual, create(manual), status="ready")
    assert replicas(manual, "status=launching") == []
    assert [shown["id"] for shown in replicas(manual, "status=ready")] == [replica_id]
    assert [shown["id"] for shown in replicas(manual, "status=")] == [replica_id]
    assert replicas(manual, "status=bogus") == []


def test_terminated_replicas_are_listed_on_request(manual: Spot) -> None:
    gone = create(manual)
    delete(manual, gone)
    assert replicas(manual) == replicas(manual, "include_terminated=1") == []
    for word in ("true", "TRUE"):
        (shown,) = replicas(manual, f"include_terminated={word}")
        assert (shown["id"], shown["is_active"], shown["status"]) == (gone, False, "terminated")
    assert [shown["id"] for shown in replicas(manual, "include_terminated=true&status=terminated")] == [gone]
    assert manual.get("replicas", UNKNOWN).json == {"replicas": [], "total": 0}


@pytest.mark.parametrize(
    ("sent", "shown"),
    [({"tags": None}, None), ({"tags": []}, []), ({"tags": "x"}, "x"), ({"tags": {"n": 1}}, {"n": 1})],
)
def test_tags_are_any_json(manual: Spot, sent: dict[str, Any], shown: Any) -> None:
    manual.post("replicas", {"pool_id": pool_in("b"), **sent})
    assert replicas(manual)[0]["tags"] == shown


def test_replicas_are_the_business_of_one_agent(manual: Spot) -> None:
    other = manual.register(logical_agent_id="agent-2", instance_id="i-9").json["agent_id"]
    replica_id = create(manual)
    assert manual.get("replicas", other).json["total"] == 0
    url = f"/api/agents/{other}/replicas/{replica_id}"
    assert manual.http.delete(url).json == {"error": "Replica not found"}
    assert manual.http.put(url, json={"instance_id": "i"}).json == {"error": "Replica not found"}
    assert manual.http.post(f"{url}/status", json={"status": "ready"}).json == {"error": "Replica not found"}
    assert manual.http.post(f"{url}/promote", json={}).json == {"error": "Replica not found or inactive"}


def test_a_deleted_replica_cannot_be_deleted_again(manual: Spot) -> None:
    replica_id = create(manual)
    answer = delete(manual, replica_id)
    assert (answer.status_code, answer.json["message"]) == (200, "Replica terminated")
    assert (manual.agent()["replica_count"], manual.agent()["current_replica_id"]) == (0, None)
    again = delete(manual, replica_id)
    assert (again.status_code, again.json["error"]) == (400, "Replica already terminated")
    assert again.json["terminated_at"][:10] == answer.json["terminated_at"][:10]
    assert delete(manual, UNKNOWN).status_code == 404


def test_a_replica_can_be_deleted_when_its_agent_is_gone(manual: Spot) -> None:
    replica_id = create(manual)
    manual.sql("DELETE FROM agents")
    assert delete(manual, replica_id).status_code == 200
    assert replica(manual, replica_id)["is_active"] == 0


def test_it_works_on_the_servers_too(spot_on_server: Spot) -> None:
    spot = spot_on_server
    use_manual_mode(spot)
    add_pools(spot)
    assert REGISTRATION["az"] == "us-east-1a"
    answer = spot.post("replicas", {"tags": None, "max_hourly_cost": 0.5})
    assert (answer.status_code, answer.json["pool"]["id"]) == (201, pool_in("c"))
    (shown,) = replicas(spot, "status=launching")
    assert (shown["pool_id"], shown["cost"]["hourly"], shown["tags"]) == (pool_in("c"), 0.0119, None)
    assert spot.post("replicas", {}).json["current_count"] == 1
    assert delete(spot, shown["id"]).status_code == 200
    assert spot.agent()["replica_count"] == 0
