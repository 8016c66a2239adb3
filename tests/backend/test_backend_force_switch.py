"""Switches that people order."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.backend.conftest import Spot
from tests.backend.looking_back import ago

POOL = "t3.medium.us-east-1b"


def force(spot: Spot, body: Any, instance_id: str = "i-1") -> TestResponse:
    return spot.http.post(f"/api/client/instances/{instance_id}/force-switch", json=body)


def test_an_order_is_queued_for_the_agent(spot: Spot) -> None:
    response = force(spot, {"target": "pool", "pool_id": POOL, "new_instance_type": "t3.large"})
    command_id = response.json["command_id"]
    assert response.json == {
        "success": True,
        "command_id": command_id,
        "message": "Switch command queued. Agent will execute on next check.",
    }
    stored = spot.one("SELECT * FROM commands")
    expected = {
        "id": command_id,
        "client_id": spot.client_id,
        "agent_id": spot.agent_id,
        "instance_id": "i-1",
        "command_type": "switch",
        "target_mode": "spot",
        "target_pool_id": POOL,
        "priority": 75,
        "status": "pending",
        "created_by": "manual",
        "terminate_wait_seconds": None,
        "trigger_type": None,
    }
    assert {name: stored[name] for name in expected} == expected
    told = "Manual switch queued for i-1 (type: t3.large)"
    assert spot.one("SELECT severity FROM notifications WHERE message = ?", told) == {"severity": "warning"}
    event = spot.one("SELECT * FROM system_events WHERE event_type = 'manual_switch_requested'")
    assert event["message"] == "Manual switch requested for i-1 to pool"
    assert event["metadata"] == f'{{"target": "pool", "pool_id": "{POOL}", "new_instance_type": "t3.large"}}'


def test_the_agent_gets_it_with_its_next_poll_and_once(spot: Spot) -> None:
    command_id = force(spot, {"target": "ondemand"}).json["command_id"]
    assert [command["id"] for command in spot.get("pending-commands").json] == [command_id]
    spot.post(f"commands/{command_id}/executed", {"success": True})
    assert spot.get("pending-commands").json == []


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({}, {"target": ["Missing data for required field."]}),
        ([], {"target": ["Missing data for required field."]}),
        ([1], {"_schema": ["Invalid input type."]}),
        ({"target": "bogus"}, {"target": ["Must be one of: ondemand, pool, spot."]}),
        ({"target": None}, {"target": ["Field may not be null."]}),
        ({"target": "pool", "pool_id": 5}, {"pool_id": ["Not a valid string."]}),
        ({"target": "pool", "pool_id": 129 * "x"}, {"pool_id": ["Longer than maximum length 128."]}),
        (
            {"target": "spot", "new_instance_type": 51 * "x"},
            {"new_instance_type": ["Longer than maximum length 50."]},
        ),
        ({"target": "ondemand", "extra": 1}, {"extra": ["Unknown field."]}),
    ],
)
def test_nonsense_is_refused(spot: Spot, body: Any, details: dict[str, list[str]]) -> None:
    response = force(spot, body)
    assert (response.status_code, response.json) == (400, {"error": "Validation failed", "details": details})


def test_a_pool_too_long_for_the_queue_fails(spot: Spot) -> None:
    response = force(spot, {"target": "pool", "pool_id": 101 * "x"})
    error = "1406 (22001): Data too long for column 'target_pool_id' at row 1"
    assert (response.status_code, response.json) == (500, {"error": error})
    assert spot.sql("SELECT * FROM notifications WHERE message LIKE 'Manual%'") == []


def test_nobody_can_be_ordered_to_switch_an_unknown_instance(spot: Spot) -> None:
    response = force(spot, {"target": "spot"}, "i-none")
    assert (response.status_code, response.json) == (404, {"error": "Instance or agent not found"})
    spot.sql("UPDATE instances SET agent_id = NULL")
    response = force(spot, {"target": "spot"})
    assert (response.status_code, response.json) == (404, {"error": "No agent assigned to instance"})


def test_of_several_agents_on_an_instance_the_one_heard_of_last_is_ordered(spot: Spot) -> None:
    heard = {"silent": (None, "online"), "last": (ago(hours=1), "offline"), "deleted": (ago(minutes=1), "deleted")}
    agents = {}
    for name, (time, status) in heard.items():
        agents[name] = spot.register(logical_agent_id=name, instance_id=f"i-{name}").json["agent_id"]
        spot.sql(
            "UPDATE agents SET instance_id = 'i-shared', last_heartbeat_at = ?, status = ? WHERE id = ?",
            *(time, status, agents[name]),
        )
    assert force(spot, {"target": "ondemand"}, "i-shared").status_code == 200
    assert spot.one("SELECT agent_id FROM commands") == {"agent_id": agents["last"]}
