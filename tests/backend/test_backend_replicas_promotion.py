"""Replicas that take over: an agent has one primary, in `agents` and in `instances`, whoever promotes what."""

from __future__ import annotations

from typing import Any

import pytest

from tests.backend.conftest import Spot
from tests.backend.standby import (
    assert_one_primary,
    create,
    delete,
    insert_instance,
    insert_replica,
    instances,
    launched,
    put,
    ready_replica,
    replica,
    replicas,
    set_agent,
)

UNKNOWN = "00000000-0000-4000-8000-000000000000"
SNAPSHOT = {
    "success": False,
    "error": "No replica available",
    "action": "emergency_snapshot_required",
    "message": "Agent should create emergency state snapshot and upload to S3",
}


def promote(spot: Spot, replica_id: str, body: Any = None) -> Any:
    return spot.post(f"replicas/{replica_id}/promote", body)


def test_a_promoted_replica_is_the_primary_and_the_former_one_stands_by(spot: Spot) -> None:
    replica_id = ready_replica(spot)
    answer = promote(spot, replica_id)
    assert answer.status_code == 200
    assert answer.json.pop("switch_time")[:2] == "20"
    assert (
        answer.json.items()
        >= {
            "success": True,
            "message": "Replica promoted to primary",
            "old_instance_id": "i-1",
            "new_instance_id": "i-2",
            "demoted": True,
        }.items()
    )
    assert_one_primary(spot, "i-2")
    assert instances(spot) == {"i-1": (True, False), "i-2": (True, True)}
    assert spot.one("SELECT switch_reason, old_instance_id, new_instance_id, success FROM instance_switches") == {
        "switch_reason": "manual-replica-promotion",
        "old_instance_id": "i-1",
        "new_instance_id": "i-2",
        "success": 1,
    }
    former = next(shown for shown in replicas(spot) if shown["id"] != replica_id)
    assert (former["instance_id"], former["status"], former["type"]) == ("i-1", "ready", "manual")
    assert (former["created_by"], former["cost"]["hourly"], former["tags"]) == ("system", None, {})
    promoted = replica(spot, replica_id)
    assert (promoted["status"], promoted["is_active"], promoted["promoted_at"] is None) == ("promoted", 1, False)
    agent = spot.agent()
    assert (agent["replica_count"], agent["current_replica_id"]) == (1, None)
    assert agent["last_failover_at"] is not None


def test_the_new_instance_is_described_by_its_replica(spot: Spot) -> None:
    spot.sql(
        "INSERT INTO ondemand_prices (id, instance_type, region, price) VALUES ('p', 't3.medium', 'us-east-1', 0.05)"
    )
    replica_id = ready_replica(spot)
    spot.sql("UPDATE replica_instances SET hourly_cost = 0.0131")
    promote(spot, replica_id)
    row = spot.one("SELECT * FROM instances WHERE id = 'i-2'")
    assert (row["client_id"], row["current_mode"], row["current_pool_id"]) == (
        spot.client_id,
        "spot",
        "t3.medium.us-east-1b",
    )
    assert (row["spot_price"], row["ondemand_price"], row["baseline_ondemand_price"]) == (0.0131, 0.05, 0.05)


def test_a_former_primary_that_is_not_wanted_is_retired(spot: Spot) -> None:
    answer = promote(spot, ready_replica(spot), {"demote_old_primary": False})
    assert answer.json["demoted"] is False
    assert_one_primary(spot, "i-2")
    assert instances(spot) == {"i-1": (False, True), "i-2": (True, True)}
    assert spot.one("SELECT terminated_at FROM instances WHERE id = 'i-1'") == {"terminated_at": None}
    assert (len(replicas(spot)), spot.agent()["replica_count"]) == (1, 0)
    assert spot.post("replicas", {}).status_code == 201


@pytest.mark.parametrize(("asked", "stays"), [("no", True), (None, False), (0, False), ({"a": 1}, True)])
def test_whether_to_demote_is_what_counts_as_true(spot: Spot, asked: Any, stays: bool) -> None:
    assert promote(spot, ready_replica(spot), {"demote_old_primary": asked}).json["demoted"] == asked
    assert instances(spot)["i-1"] == (stays, not stays)


def test_a_former_primary_counts_as_the_one_replica_and_can_take_over_again(spot: Spot) -> None:
    promote(spot, ready_replica(spot))
    assert spot.post("replicas", {}).json["current_count"] == 1
    former = next(shown for shown in replicas(spot) if shown["instance_id"] == "i-1")
    assert promote(spot, former["id"], {"demote_old_primary": False}).json["new_instance_id"] == "i-1"
    assert_one_primary(spot, "i-1")
    assert instances(spot) == {"i-1": (True, True), "i-2": (False, True)}
    assert spot.agent()["replica_count"] == 0


@pytest.mark.parametrize("status", ["launching", "failed", "terminated"])
def test_only_ready_and_syncing_replicas_are_promoted(spot: Spot, status: str) -> None:
    replica_id = ready_replica(spot)
    spot.post(f"replicas/{replica_id}/status", {"status": status})
    answer = promote(spot, replica_id)
    assert answer.status_code == 400
    assert answer.json == {
        "error": "Replica not ready for promotion",
        "current_status": status,
        "required_status": "ready or syncing",
    }
    spot.post(f"replicas/{replica_id}/status", {"status": "syncing"})
    assert promote(spot, replica_id).status_code == 200


def test_what_is_gone_or_unknown_is_not_promoted(spot: Spot) -> None:
    replica_id = ready_replica(spot)
    assert promote(spot, UNKNOWN).json == {"error": "Replica not found or inactive"}
    set_agent(spot, instance_id="i-nobody-knows")
    assert (promote(spot, replica_id).status_code, promote(spot, replica_id).json) == (
        404,
        {"error": "Agent not found"},
    )
    set_agent(spot, instance_id="i-1")
    delete(spot, replica_id)
    assert promote(spot, replica_id).json == {"error": "Replica not found or inactive"}
    assert_one_primary(spot, "i-1")


def test_a_primary_is_not_promoted_again_whatever_is_reported_of_it(spot: Spot) -> None:
    replica_id = ready_replica(spot)
    promote(spot, replica_id, {"demote_old_primary": False})
    again = {"error": "Replica not ready for promotion", "current_status": "promoted"}
    assert promote(spot, replica_id).json.items() >= again.items()
    put(spot, replica_id, {"instance_id": "i-2"})
    spot.post(f"replicas/{replica_id}/status", {"status": "ready"})
    spot.post(f"replicas/{replica_id}/sync-status", {"state_transfer_progress": 100, "status": "ready"})
    assert replicas(spot)[0]["status"] == "promoted"
    assert promote(spot, replica_id, {"demote_old_primary": False}).json.items() >= again.items()
    insert_replica(spot, "itself", instance_id="i-2")
    assert promote(spot, "itself").json.items() >= again.items()
    assert spot.post("termination-imminent", {"instance_id": "i-2"}).json == SNAPSHOT
    assert_one_primary(spot, "i-2")


def test_the_instance_of_another_client_is_left_alone(spot: Spot) -> None:
    spot.add_client("client-2", "token-2")
    insert_instance(spot, "i-2", client_id="client-2", is_active=0)
    replica_id = ready_replica(spot)
    assert promote(spot, replica_id).json == {"error": "Replica instance_id not found"}
    assert spot.post("termination-imminent", {"replica_id": replica_id}).status_code == 404
    assert spot.one("SELECT is_active FROM instances WHERE id = 'i-2'") == {"is_active": 0}
    assert replica(spot, replica_id)["status"] == "ready"
    assert_one_primary(spot, "i-1")


def test_a_takeover_that_cannot_be_stored_leaves_nothing(spot: Spot) -> None:
    replica_id = ready_replica(spot, instance_id="i" * 60)
    answer = promote(spot, replica_id)
    assert (answer.status_code, answer.json) == (
        500,
        {"error": "1406 (22001): Data too long for column 'instance_id' at row 1"},
    )
    assert replica(spot, replica_id)["status"] == "ready"
    assert set(instances(spot)) == {"i-1"}
    assert_one_primary(spot, "i-1")


def test_a_failover_retires_the_primary(spot: Spot) -> None:
    replica_id = ready_replica(spot)
    answer = spot.post("termination-imminent", {"instance_id": "i-1", "termination_time": "2026-11-21T03:45:00Z"})
    assert answer.status_code == 200
    assert isinstance(answer.json.pop("failover_time_ms"), int)
    assert {key: value for key, value in answer.json.items() if key != "failover_time_ms"} == {
        "success": True,
        "action": "replica_promoted",
        "message": "Automatic failover completed",
        "replica_id": replica_id,
        "new_instance_id": "i-2",
    }
    assert_one_primary(spot, "i-2")
    assert instances(spot)["i-1"] == (False, True)
    agent, row = spot.agent(), replica(spot, replica_id)
    assert (agent["replica_count"], agent["interruption_handled_count"], agent["current_replica_id"]) == (0, 1, None)
    assert (row["status"], row["failover_completed_at"] is None) == ("promoted", False)
    assert spot.one("SELECT switch_reason FROM instance_switches")["switch_reason"] == "automatic-interruption-failover"
    assert spot.sql("SELECT id FROM spot_interruption_events") == []
    assert spot.post("replicas", {}).status_code == 201


def test_a_failover_prefers_ready_replicas_then_old_ones(spot: Spot) -> None:
    insert_replica(spot, "syncing", status="syncing", created_at="2026-01-01 00:00:00")
    insert_replica(spot, "younger", created_at="2026-01-03 00:00:00")
    insert_replica(spot, "older", created_at="2026-01-02 00:00:00")
    insert_replica(spot, "launching", status="launching", created_at="2026-01-01 00:00:00")
    order = [spot.post("termination-imminent", {"instance_id": "x"}).json.get("replica_id") for _ in range(4)]
    assert order == ["older", "younger", "syncing", None]


def test_a_replica_can_be_named_even_while_it_launches(spot: Spot) -> None:
    insert_replica(spot, "ready")
    insert_replica(spot, "named", status="launching")
    assert spot.post("termination-imminent", {"replica_id": "named"}).json["new_instance_id"] == "i-named"
    assert_one_primary(spot, "i-named")


def test_a_machine_that_is_about_to_go_does_not_take_over(spot: Spot) -> None:
    promote(spot, ready_replica(spot))
    assert spot.post("termination-imminent", {"instance_id": "i-1"}).json == SNAPSHOT
    assert_one_primary(spot, "i-2")
    assert spot.post("termination-imminent", {"instance_id": "i-2"}).json["new_instance_id"] == "i-1"


def test_only_what_stands_by_for_the_agent_can_be_named(spot: Spot) -> None:
    other = spot.register(logical_agent_id="agent-2", instance_id="i-9").json["agent_id"]
    refused = [
        insert_replica(spot, "others", agent_id=other),
        insert_replica(spot, "inactive", is_active=0),
        insert_replica(spot, "promoted", status="promoted"),
        insert_replica(spot, "itself", instance_id="I-1"),
        UNKNOWN,
    ]
    for replica_id in refused:
        answer = spot.post("termination-imminent", {"instance_id": "i-1", "replica_id": replica_id})
        assert (answer.status_code, answer.json) == (404, {"error": "Replica instance_id not found"})
    assert_one_primary(spot, "i-1")
    nobody = spot.post("termination-imminent", {"replica_id": "others"}, UNKNOWN)
    assert (nobody.status_code, nobody.json) == (500, {"error": "list index out of range"})


@pytest.mark.parametrize("time", [None, "2026-11-21T03:45:00Z", "2026-11-21T03:45:00+00:00", "2026-11-21T03:45:00"])
def test_without_a_replica_the_agent_is_told_to_save_what_it_can(spot: Spot, time: str | None) -> None:
    answer = spot.post("termination-imminent", {"instance_id": "i-1", "termination_time": time})
    assert (answer.status_code, answer.json) == (500, SNAPSHOT)
    event = spot.one("SELECT * FROM spot_interruption_events")
    assert event["termination_time"] == (time and "2026-11-21 03:45:00")
    assert (event["agent_id"], event["signal_type"]) == (spot.agent_id, "termination-notice")
    assert (event["response_action"], event["success"], event["error_message"]) == (
        "emergency-snapshot",
        0,
        "No replica available",
    )


def test_notices_that_cannot_be_kept(spot: Spot) -> None:
    missing = spot.post("termination-imminent", {})
    assert missing.json == {"error": "1048 (23000): Column 'instance_id' cannot be null"}
    wrong = spot.post("termination-imminent", {"instance_id": "i-1", "termination_time": "soon"})
    assert wrong.json["error"].startswith("1292 (22007): Incorrect datetime value: 'soon'")
    assert (missing.status_code, wrong.status_code) == (500, 500)
    assert spot.sql("SELECT id FROM spot_interruption_events") == []
    assert spot.post("termination-imminent", {"instance_id": "i"}, UNKNOWN).json == SNAPSHOT
    assert spot.one("SELECT agent_id FROM spot_interruption_events")["agent_id"] == UNKNOWN


def beat(spot: Spot, instance_id: str) -> None:
    told = {"instance_id": instance_id, "instance_type": "t3.medium", "mode": "spot", "az": "us-east-1f"}
    assert spot.post("heartbeat", told).json == {"success": True}


def test_heartbeats_of_a_machine_that_was_relieved_do_not_bring_it_back(spot: Spot) -> None:
    promote(spot, ready_replica(spot))
    beat(spot, "i-1")
    assert_one_primary(spot, "i-2")
    assert spot.agent()["az"] == "us-east-1a"
    beat(spot, "i-2")
    assert spot.agent()["az"] == "us-east-1f"
    assert_one_primary(spot, "i-2")


def test_a_machine_stays_relieved_after_the_next_takeover(spot: Spot) -> None:
    for name in ("a", "b"):
        promote(spot, insert_replica(spot, name), {"demote_old_primary": False})
    for relieved in ("i-1", "i-a"):
        beat(spot, relieved)
        assert_one_primary(spot, "i-b")
    promote(spot, insert_replica(spot, "c", instance_id="i-a"))
    beat(spot, "i-b")
    assert_one_primary(spot, "i-a")


def test_heartbeats_of_other_machines_are_believed(spot: Spot) -> None:
    beat(spot, "i-7")
    assert spot.agent()["instance_id"] == "i-7"
    beat(spot, "i-1")
    assert_one_primary(spot, "i-1")


def test_deleting_the_replica_that_became_the_primary_leaves_it_running(spot: Spot) -> None:
    replica_id = ready_replica(spot)
    promote(spot, replica_id)
    assert delete(spot, replica_id).status_code == 200
    assert_one_primary(spot, "i-2")
    assert spot.agent()["replica_count"] == 1


def test_the_instance_that_took_over_is_known_as_the_agents(spot: Spot) -> None:
    promote(spot, ready_replica(spot))
    order = {"target": "ondemand"}
    assert spot.http.post("/api/client/instances/i-2/force-switch", json=order).status_code == 200
    assert spot.http.post("/api/client/instances/i-1/force-switch", json=order).status_code == 404


def test_instances_that_the_old_side_left_behind_are_released(spot: Spot) -> None:
    """A switch may leave an agent with several active instances; after a takeover it has one."""
    insert_instance(spot, "i-0", client_id=spot.client_id, agent_id=spot.agent_id)
    promote(spot, ready_replica(spot))
    assert_one_primary(spot, "i-2")
    assert instances(spot)["i-0"] == (True, False)


def test_it_works_on_the_servers_too(spot_on_server: Spot) -> None:
    spot = spot_on_server
    replica_id = ready_replica(spot)
    assert promote(spot, replica_id).json["new_instance_id"] == "i-2"
    assert_one_primary(spot, "i-2")
    assert promote(spot, replica_id).json["current_status"] == "promoted"
    beat(spot, "i-1")
    assert_one_primary(spot, "i-2")
    assert spot.post("termination-imminent", {"instance_id": "i-2"}).json["new_instance_id"] == "i-1"
    assert_one_primary(spot, "i-1")
    notice = {"instance_id": "i-1", "termination_time": "2026-11-21T03:45:00Z"}
    assert spot.post("termination-imminent", notice).json == SNAPSHOT
    named = launched(spot, create(spot, "c"), "i-3", "syncing")
    assert spot.post("termination-imminent", {"instance_id": "i-1", "replica_id": named}).status_code == 200
    event = spot.one("SELECT failover_completed, replica_ready, success FROM spot_interruption_events")
    assert {name: bool(value) for name, value in event.items()} == dict.fromkeys(event, True)
    assert_one_primary(spot, "i-3")
