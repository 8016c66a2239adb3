"""What people set for an agent, and how they take it out of service."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.backend.conftest import Spot

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def order(spot: Spot, what: str, body: Any, agent_id: str | None = None) -> TestResponse:
    return spot.http.post(f"/api/client/agents/{agent_id or spot.agent_id}/{what}", json=body)


def events(spot: Spot, kind: str) -> list[str]:
    return [row["message"] for row in spot.sql("SELECT message FROM system_events WHERE event_type = ?", kind)]


def add_replica(spot: Spot, name: str, **values: Any) -> None:
    row = {
        "id": name,
        "agent_id": spot.agent_id,
        "instance_id": f"i-{name}",
        "replica_type": "manual",
        "status": "ready",
        **values,
    }
    spot.sql(f"INSERT INTO replica_instances ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", *row.values())


def replicas(spot: Spot) -> dict[str, tuple[str, int, bool]]:
    rows = spot.sql("SELECT id, status, is_active, terminated_at FROM replica_instances")
    return {row["id"]: (row["status"], row["is_active"], row["terminated_at"] is not None) for row in rows}


STANDING, ENDED = ("ready", 1, False), ("terminated", 0, True)


class TestToggle:
    @pytest.mark.parametrize(
        ("body", "stored", "word"),
        [
            ({"enabled": False}, 0, "disabled"),
            ({"enabled": True}, 1, "enabled"),
            ({}, 1, "disabled"),
            ({"enabled": None}, None, "disabled"),
            ({"enabled": 2}, 2, "enabled"),
        ],
    )
    def test_an_agent_is_toggled(self, spot: Spot, body: dict[str, Any], stored: int | None, word: str) -> None:
        assert order(spot, "toggle-enabled", body).json == {"success": True}
        assert spot.agent()["enabled"] == stored
        assert events(spot, "agent_toggled") == [f"Agent {spot.agent_id} {word}"]

    def test_its_next_config_shows_it(self, spot: Spot) -> None:
        order(spot, "toggle-enabled", {"enabled": False})
        assert spot.get("config").json["enabled"] == 0

    def test_nonsense_fails_and_leaves_nothing(self, spot: Spot) -> None:
        response = order(spot, "toggle-enabled", {"enabled": "yes"})
        assert response.status_code == 500
        assert "Incorrect integer value: 'yes'" in response.json["error"]
        assert (spot.agent()["enabled"], events(spot, "agent_toggled")) == (1, [])

    @pytest.mark.parametrize("body", [{"enabled": True}, {"enabled": "yes"}])
    def test_an_unknown_agent_is_fine(self, spot: Spot, body: dict[str, Any]) -> None:
        assert order(spot, "toggle-enabled", body, UNKNOWN).json == {"success": True}

    @pytest.mark.parametrize("what", ["toggle-enabled", "settings", "config"])
    def test_a_body_is_needed(self, spot: Spot, what: str) -> None:
        url = f"/api/client/agents/{spot.agent_id}/{what}"
        assert spot.http.post(url).status_code == 415
        assert spot.http.post(url, content_type="application/json").status_code == 400


class TestSettings:
    def test_what_is_given_is_stored(self, spot: Spot) -> None:
        wanted = {
            "auto_switch_enabled": False,
            "auto_terminate_enabled": None,
            "replica_enabled": True,
            "replica_count": -1,
        }
        assert order(spot, "settings", {**wanted, "manual_replica_enabled": True}).json == {"success": True}
        agent = spot.agent()
        assert {name: agent[name] for name in wanted} == {
            "auto_switch_enabled": 0,
            "auto_terminate_enabled": None,
            "replica_enabled": 1,
            "replica_count": -1,
        }
        assert agent["manual_replica_enabled"] == 0

    @pytest.mark.parametrize("body", [{}, {"unknown": 1}, []])
    def test_nothing_is_fine(self, spot: Spot, body: Any) -> None:
        before = spot.agent()
        assert order(spot, "settings", body).json == {"success": True}
        assert spot.agent() == before

    def test_one_wrong_value_keeps_the_others_out(self, spot: Spot) -> None:
        response = order(spot, "settings", {"auto_switch_enabled": False, "replica_count": "two"})
        assert (response.status_code, spot.agent()["auto_switch_enabled"]) == (500, 1)


class TestConfig:
    @pytest.mark.parametrize(
        ("body", "seconds"),
        [
            ({"terminateWaitMinutes": 10}, 600),
            ({"terminate_wait_minutes": 3}, 180),
            ({"terminate_wait_minutes": 3, "terminateWaitMinutes": 4}, 240),
            ({"terminateWaitMinutes": "7"}, 420),
            ({"terminateWaitMinutes": 2.9}, 120),
            ({"terminateWaitMinutes": 0}, 0),
            ({}, 300),
        ],
    )
    def test_the_waiting_time_is_set_in_minutes(self, spot: Spot, body: dict[str, Any], seconds: int) -> None:
        assert order(spot, "config", body).status_code == 200
        assert spot.agent()["terminate_wait_seconds"] == seconds

    @pytest.mark.parametrize(
        ("minutes", "complaint"),
        [
            ("abc", "invalid literal for int() with base 10: 'abc'"),
            (None, "int() argument must be a string, a bytes-like object or a real number, not 'NoneType'"),
        ],
    )
    def test_a_waiting_time_that_is_no_number_fails(self, spot: Spot, minutes: Any, complaint: str) -> None:
        response = order(spot, "config", {"terminateWaitMinutes": minutes, "autoSwitchEnabled": False})
        assert (response.status_code, response.json) == (500, {"error": complaint})
        assert spot.agent()["auto_switch_enabled"] == 1

    @pytest.mark.parametrize(
        ("body", "answer", "stored"),
        [
            ({}, (True, False), (1, 0)),
            ({"autoSwitchEnabled": False}, (False, False), (0, 0)),
            ({"manualReplicaEnabled": True}, (True, True), (0, 1)),
            ({"autoSwitchEnabled": True, "manualReplicaEnabled": True}, (True, True), (0, 1)),
            ({"autoSwitchEnabled": False, "manualReplicaEnabled": False}, (False, False), (0, 0)),
            ({"autoSwitchEnabled": "false"}, (True, False), (1, 0)),
            ({"autoSwitchEnabled": 0, "manualReplicaEnabled": 1}, (False, True), (0, 1)),
        ],
    )
    def test_modes_exclude_each_other_and_the_answer_repeats_the_question(
        self, spot: Spot, body: dict[str, Any], answer: tuple[bool, bool], stored: tuple[int, int]
    ) -> None:
        response = order(spot, "config", body)
        told = {"success": True, "auto_switch_enabled": answer[0], "manual_replica_enabled": answer[1]}
        assert response.json == told
        agent = spot.agent()
        assert (agent["auto_switch_enabled"], agent["manual_replica_enabled"]) == stored

    @pytest.mark.parametrize(
        ("body", "manual", "automatic"),
        [
            ({"autoSwitchEnabled": True}, ENDED, STANDING),
            ({"manualReplicaEnabled": False}, ENDED, ENDED),
            ({"autoSwitchEnabled": True, "manualReplicaEnabled": False}, ENDED, ENDED),
            ({"autoSwitchEnabled": False}, STANDING, STANDING),
            ({"manualReplicaEnabled": True}, STANDING, STANDING),
        ],
    )
    def test_ending_manual_replicas_ends_those_that_are_there(
        self, spot: Spot, body: dict[str, Any], manual: tuple[str, int, bool], automatic: tuple[str, int, bool]
    ) -> None:
        spot.sql("UPDATE agents SET manual_replica_enabled = 1, replica_count = 1, current_replica_id = 'manual'")
        add_replica(spot, "manual")
        add_replica(spot, "automatic", replica_type="automatic-rebalance")
        add_replica(spot, "others", agent_id=UNKNOWN)
        order(spot, "config", body)
        assert replicas(spot) == {"manual": manual, "automatic": automatic, "others": STANDING}
        kept = manual == STANDING
        agent = spot.agent()
        assert (agent["replica_count"], agent["current_replica_id"]) == ((1, "manual") if kept else (0, None))

    def test_what_fails_ends_no_replica(self, spot: Spot) -> None:
        spot.sql("UPDATE agents SET manual_replica_enabled = 1, replica_count = 1")
        add_replica(spot, "manual")
        response = order(spot, "config", {"manualReplicaEnabled": False, "terminateWaitMinutes": 10**9})
        assert (response.status_code, replicas(spot)["manual"]) == (500, STANDING)

    def test_an_unknown_agent_is_not_found(self, spot: Spot) -> None:
        response = order(spot, "config", {"terminateWaitMinutes": "abc"}, UNKNOWN)
        assert (response.status_code, response.json) == (404, {"error": "Agent not found"})

    def test_a_list_is_no_configuration(self, spot: Spot) -> None:
        response = order(spot, "config", [1])
        assert (response.status_code, response.json) == (500, {"error": "'list' object has no attribute 'get'"})


class TestDeletion:
    def test_an_agent_goes_with_its_replicas_and_its_instance(self, spot: Spot) -> None:
        spot.sql("UPDATE agents SET manual_replica_enabled = 1, replica_count = 2, current_replica_id = 'r1'")
        add_replica(spot, "r1")
        add_replica(spot, "r2", replica_type="automatic-termination")
        response = spot.http.delete(f"/api/client/agents/{spot.agent_id}")
        told = {"success": True, "agent_id": spot.agent_id, "message": "Agent deleted successfully"}
        assert (response.status_code, response.json) == (200, told)
        agent = spot.agent()
        assert (agent["status"], agent["replica_count"], agent["current_replica_id"]) == ("deleted", 0, None)
        assert (agent["enabled"], agent["auto_switch_enabled"], agent["manual_replica_enabled"]) == (0, 0, 0)
        assert replicas(spot) == {"r1": ENDED, "r2": ENDED}
        instance = spot.one("SELECT is_active, terminated_at FROM instances")
        assert (instance["is_active"], instance["terminated_at"] is not None) == (0, True)
        assert events(spot, "agent_deleted") == [f"Agent {spot.agent_id} deleted by user"]
        deleted = f"Agent {spot.agent_id} has been deleted"
        assert spot.one("SELECT severity FROM notifications WHERE message = ?", deleted) == {"severity": "info"}
        assert spot.http.get(f"/api/client/{spot.client_id}/agents").json == []

    def test_it_can_be_deleted_again(self, spot: Spot) -> None:
        spot.http.delete(f"/api/client/agents/{spot.agent_id}")
        assert spot.http.delete(f"/api/client/agents/{spot.agent_id}").status_code == 200

    def test_an_unknown_agent_is_not_found(self, spot: Spot) -> None:
        response = spot.http.delete(f"/api/client/agents/{UNKNOWN}")
        assert (response.status_code, response.json) == (404, {"error": "Agent not found"})

    def test_there_is_no_page_of_one_agent(self, spot: Spot) -> None:
        response = spot.http.get(f"/api/client/agents/{spot.agent_id}")
        assert (response.status_code, set(response.allow)) == (405, {"DELETE", "OPTIONS"})
