"""The queue: pending, executed, and switches that somebody orders."""

from __future__ import annotations

from typing import Any

import pytest

from tests.backend.conftest import Spot


def queue(spot: Spot, command_id: str, priority: int, created_at: str = "2026-11-21 03:00:00") -> None:
    spot.sql(
        "INSERT INTO commands (id, client_id, agent_id, command_type, instance_id, target_mode, priority, created_at)"
        " VALUES (?, ?, ?, 'switch', 'i-1', 'ondemand', ?, ?)",
        command_id,
        spot.client_id,
        spot.agent_id,
        priority,
        created_at,
    )


def queue_numbered(spot: Spot, priority: int) -> None:
    spot.sql(
        "INSERT INTO pending_switch_commands (client_id, agent_id, instance_id, target_mode, target_pool_id, priority,"
        " created_at) VALUES (?, ?, 'i-1', 'spot', 'pool', ?, '2026-11-21 02:00:00')",
        spot.client_id,
        spot.agent_id,
        priority,
    )


def pending(spot: Spot) -> list[str]:
    return [command["id"] for command in spot.get("pending-commands").json]


class TestPending:
    def test_both_queues_most_urgent_then_oldest_first(self, spot: Spot) -> None:
        queue(spot, "late", 50, "2026-11-21 03:00:02")
        queue(spot, "early", 50, "2026-11-21 03:00:01")
        queue(spot, "urgent", 100)
        queue_numbered(spot, 50)
        queue_numbered(spot, 10)
        assert pending(spot) == ["urgent", "1", "early", "late", "2"]
        assert spot.get("pending-commands").json[:2] == [
            {
                "created_at": "2026-11-21T03:00:00",
                "id": "urgent",
                "instance_id": "i-1",
                "priority": 100,
                "target_mode": "ondemand",
                "target_pool_id": None,
                "terminate_wait_seconds": None,
            },
            {
                "created_at": "2026-11-21T02:00:00",
                "id": "1",
                "instance_id": "i-1",
                "priority": 50,
                "target_mode": "spot",
                "target_pool_id": "pool",
                "terminate_wait_seconds": 300,
            },
        ]

    def test_any_client_may_read_any_queue(self, spot: Spot) -> None:
        queue(spot, "a", 1)
        spot.add_client("client-2", "token-2")
        spot.headers = {"Authorization": "token-2"}
        assert pending(spot) == ["a"]

    def test_an_unknown_agent_has_none(self, spot: Spot) -> None:
        assert spot.get("pending-commands", "unknown").data == b"[]\n"


class TestExecuted:
    def outcome(self, spot: Spot, command_id: str) -> tuple[Any, ...]:
        row = spot.one("SELECT * FROM commands WHERE id = ?", command_id)
        return row["status"], row["success"], row["message"], row["executed_at"] is not None

    @pytest.mark.parametrize(
        ("body", "outcome"),
        [
            ({"success": True, "message": "ok"}, ("completed", 1, "ok", True)),
            ({"success": False, "message": "no"}, ("failed", 0, "no", True)),
            ({}, ("completed", 1, "", True)),
            ({"success": None, "message": None}, ("failed", None, None, True)),
        ],
    )
    def test_the_outcome_is_stored(self, spot: Spot, body: Any, outcome: tuple[Any, ...]) -> None:
        queue(spot, "a", 1)
        assert spot.post("commands/a/executed", body).json == {"success": True}
        assert self.outcome(spot, "a") == outcome
        assert pending(spot) == []

    def test_a_numbered_command(self, spot: Spot) -> None:
        queue_numbered(spot, 1)
        assert spot.post("commands/1/executed", {"message": "done"}).json == {"success": True}
        row = spot.one("SELECT executed_at, execution_result FROM pending_switch_commands")
        assert row["execution_result"] == '{"message": "done"}'
        assert pending(spot) == []

    @pytest.mark.parametrize("command_id", ["unknown", "77"])
    def test_unknown_commands_are_fine_whatever_is_said(self, spot: Spot, command_id: str) -> None:
        assert spot.post(f"commands/{command_id}/executed", {"success": "maybe"}).json == {"success": True}
        assert spot.post("commands/a/executed", {}, "unknown").json == {"success": True}

    def test_a_word_is_no_flag(self, spot: Spot) -> None:
        queue(spot, "a", 1)
        answer = spot.post("commands/a/executed", {"success": "maybe"})
        assert answer.status_code == 500
        assert answer.json["error"].startswith("1366 (22007): Incorrect integer value: 'maybe' for column")

    def test_an_object_is_no_message_even_for_an_unknown_command(self, spot: Spot) -> None:
        answer = spot.post("commands/a/executed", {"message": {"a": 1}})
        assert answer.json == {"error": "Python type dict cannot be converted"}


class TestIssueSwitch:
    ORDER = {"target_mode": "spot", "target_pool_id": "t3.medium.us-east-1c"}

    def test_the_switch_is_queued(self, spot: Spot) -> None:
        answer = spot.post("issue-switch-command", {**self.ORDER, "reason": "cheaper", "priority": 7})
        assert answer.status_code == 201
        assert answer.json == {
            "agent_id": spot.agent_id,
            "auto_switch_enabled": True,
            "command_id": answer.json["command_id"],
            "message": "Switch command queued. Agent will execute on next heartbeat.",
            "reason": "cheaper",
            "success": True,
            "target_mode": "spot",
            "target_pool_id": "t3.medium.us-east-1c",
        }
        (command,) = spot.get("pending-commands").json
        assert (command["id"], command["priority"]) == (answer.json["command_id"], 7)
        assert (command["instance_id"], command["terminate_wait_seconds"]) == ("i-1", 300)
        assert spot.one("SELECT command_type FROM commands")["command_type"] == "switch"
        told = spot.sql("SELECT message FROM notifications WHERE message LIKE 'Switch%'")
        assert told == [{"message": "Switch command issued to host-1: spot"}]

    def test_what_is_not_said_has_a_default(self, spot: Spot) -> None:
        spot.sql("UPDATE agents SET auto_terminate_enabled = 0")
        assert spot.post("issue-switch-command", self.ORDER).json["reason"] == "Manual command"
        (command,) = spot.get("pending-commands").json
        assert (command["priority"], command["terminate_wait_seconds"]) == (5, 0)

    @pytest.mark.parametrize("body", [{}, {"target_mode": "bogus"}, {"target_mode": None}, []])
    def test_a_target_is_needed(self, spot: Spot, body: Any) -> None:
        answer = spot.post("issue-switch-command", body)
        assert (answer.status_code, answer.json) == (400, {"error": "Invalid target_mode"})

    def test_a_pool_is_needed_for_spot(self, spot: Spot) -> None:
        answer = spot.post("issue-switch-command", {"target_mode": "spot"})
        assert (answer.status_code, answer.json) == (400, {"error": "target_pool_id required for spot mode"})

    def test_there_is_nothing_to_do_for_an_agent_that_is_there(self, spot: Spot) -> None:
        answer = spot.post("issue-switch-command", {"target_mode": "ondemand"})
        assert answer.status_code == 200
        assert answer.json == {
            "current_mode": "ondemand",
            "current_pool_id": None,
            "message": "Agent already in target state",
            "success": False,
        }
        assert pending(spot) == []

    def test_a_disabled_agent_comes_before_automatic_switching(self, spot: Spot) -> None:
        spot.sql("UPDATE agents SET auto_switch_enabled = 0")
        answer = spot.post("issue-switch-command", {})
        hint = "Enable auto_switch_enabled in agent settings, or use manual switch from UI"
        assert (answer.status_code, answer.json) == (
            403,
            {"auto_switch_enabled": False, "error": "Auto-switch is disabled for this agent", "hint": hint},
        )
        spot.sql("UPDATE agents SET enabled = 0")
        answer = spot.post("issue-switch-command", {})
        assert (answer.status_code, answer.json) == (
            400,
            {"error": "Agent is disabled", "hint": "Enable the agent first"},
        )

    def test_an_unreadable_body_is_an_error_text(self, spot: Spot) -> None:
        url = f"/api/agents/{spot.agent_id}/issue-switch-command"
        unreadable = "400 Bad Request: The browser (or proxy) sent a request that this server could not understand."
        untyped = (
            "415 Unsupported Media Type: Did not attempt to load JSON data because the request Content-Type was not "
            "'application/json'."
        )
        answer = spot.http.post(url, data="{", headers=spot.headers, content_type="application/json")
        assert (answer.status_code, answer.json) == (500, {"error": unreadable})
        answer = spot.http.post(url, headers=spot.headers)
        assert (answer.status_code, answer.json) == (500, {"error": untyped})
