"""Heartbeat, configuration, termination and cleanup."""

from __future__ import annotations

from typing import Any

import pytest

from tests.backend.conftest import Spot


def messages(spot: Spot) -> list[str]:
    return [row["message"] for row in spot.sql("SELECT message FROM notifications ORDER BY rowid")][1:]


class TestHeartbeat:
    def test_it_refreshes_agent_and_client(self, spot: Spot) -> None:
        spot.sql("UPDATE agents SET last_heartbeat_at = NULL")
        body = {"status": "online", "instance_id": "i-2", "instance_type": "m5.large", "mode": "spot", "az": "z"}
        answer = spot.post("heartbeat", {**body, "monitored_instances": ["i-2"]})
        assert (answer.status_code, answer.json) == (200, {"success": True})
        agent = spot.agent()
        assert (agent["instance_id"], agent["instance_type"], agent["current_mode"]) == ("i-2", "m5.large", "spot")
        assert agent["az"] == "z"
        assert agent["last_heartbeat_at"] is not None
        assert spot.one("SELECT last_sync_at FROM clients")["last_sync_at"] is not None
        assert spot.one("SELECT id FROM instances")["id"] == "i-1"

    @pytest.mark.parametrize("body", ["null", "[]", "0", "{}", '{"az": null, "instance_id": null}'])
    def test_nothing_said_means_online_and_unchanged(self, spot: Spot, body: str) -> None:
        url = f"/api/agents/{spot.agent_id}/heartbeat"
        answer = spot.http.post(url, data=body, headers=spot.headers, content_type="application/json")
        assert answer.status_code == 200
        assert (spot.agent()["status"], spot.agent()["az"]) == ("online", "us-east-1a")

    def test_going_and_coming_back_is_told_once(self, spot: Spot) -> None:
        for status in ("offline", "offline", "disabled", "offline", "online", "online", None, "offline"):
            assert spot.post("heartbeat", {"status": status}).status_code == 200
        went, came = f"Agent {spot.agent_id} went offline", f"Agent {spot.agent_id} is back online"
        assert messages(spot) == [went, went, came, went]

    def test_the_agent_is_called_what_the_path_calls_it(self, spot: Spot) -> None:
        assert spot.get("config", agent_id=f"{spot.agent_id}%20").status_code == 200
        shouted = spot.agent_id.upper()
        assert spot.post("heartbeat", {"status": "offline"}, agent_id=shouted).status_code == 200
        assert messages(spot) == [f"Agent {shouted} went offline"]
        assert spot.get("switch-recommendation", agent_id=shouted).json["agent_id"] == shouted

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            ([1], "'list' object has no attribute 'get'"),
            ({"status": "x" * 21}, "1406 (22001): Data too long for column 'status' at row 1"),
            ({"status": {"a": 1}}, "Python type dict cannot be converted"),
            ({"az": ["a"]}, "Python type list cannot be converted"),
        ],
    )
    def test_what_it_cannot_store(self, spot: Spot, body: Any, error: str) -> None:
        answer = spot.post("heartbeat", body)
        assert (answer.status_code, answer.json) == (500, {"error": error})

    def test_trailing_spaces_beyond_the_column_are_cut(self, spot: Spot) -> None:
        assert spot.post("heartbeat", {"status": "online" + " " * 30}).status_code == 200
        assert spot.agent()["status"] == "online" + " " * 14


class TestConfig:
    def test_the_limits(self, spot: Spot) -> None:
        spot.sql("UPDATE agents SET enabled = 0, manual_replica_enabled = 1, terminate_wait_seconds = 60")
        spot.sql("UPDATE agent_configs SET min_savings_percent = 20, risk_threshold = 0.5")
        assert spot.get("config").json == {
            "auto_switch_enabled": 1,
            "auto_terminate_enabled": 1,
            "enabled": 0,
            "manual_replica_enabled": 1,
            "max_switches_per_week": 10,
            "min_pool_duration_hours": 2,
            "min_savings_percent": 20.0,
            "replica_count": 0,
            "replica_enabled": 0,
            "risk_threshold": 0.5,
            "terminate_wait_seconds": 60,
        }
        assert b'"min_savings_percent":20.0' in spot.get("config").data

    def test_the_replicas(self, spot: Spot) -> None:
        spot.sql("UPDATE agents SET replica_enabled = 1, replica_count = 2")
        assert spot.get("replica-config").json == {"count": 2, "enabled": 1}

    def test_ids_are_compared_without_case(self, spot: Spot) -> None:
        assert spot.get("config", spot.agent_id.upper()).status_code == 200

    def test_head_is_answered_like_get(self, spot: Spot) -> None:
        answer = spot.http.head(f"/api/agents/{spot.agent_id}/config", headers=spot.headers)
        assert (answer.status_code, answer.data) == (200, b"")


class TestTermination:
    @pytest.mark.parametrize(
        ("body", "reason", "message"),
        [({"reason": "spot"}, "spot", "spot"), ({}, "Unknown", "Unknown"), ({"reason": None}, "None", None)],
    )
    def test_the_agent_goes_offline(self, spot: Spot, body: Any, reason: str, message: str | None) -> None:
        assert spot.post("termination", body).json == {"success": True}
        assert spot.agent()["status"] == "offline"
        assert spot.agent()["terminated_at"] is not None
        assert messages(spot) == [f"Agent {spot.agent_id} terminated: {reason}"]
        event = spot.one("SELECT message, metadata FROM system_events WHERE event_type = 'instance_terminated'")
        assert event["message"] == message
        assert (event["metadata"] is None) == (body == {})

    def test_a_reason_that_is_no_text_is_lost_and_the_rest_kept(self, spot: Spot) -> None:
        assert spot.post("termination", {"reason": "\ud800"}).json == {"success": True}
        assert (spot.agent()["status"], messages(spot)) == ("offline", [])

    def test_an_unknown_agent_is_only_told_about(self, spot: Spot) -> None:
        assert spot.post("termination", {"reason": "x"}, "unknown").json == {"success": True}
        assert messages(spot) == ["Agent unknown terminated: x"]
        assert spot.sql("SELECT 1 FROM system_events WHERE event_type = 'instance_terminated'") == []
        assert spot.agent()["status"] == "online"


class TestCleanup:
    def test_counts_are_stored_and_answered(self, spot: Spot) -> None:
        body = {
            "timestamp": "2026-11-21T03:00:00.123456+00:00",
            "snapshots": {"deleted": ["a", "b"], "failed": [{"id": "c"}], "cutoff_date": "2026-11-14T03:00:00Z"},
            "amis": {"deleted_amis": ["d"], "deleted_snapshots": ["e"], "failed": [1, 2]},
        }
        assert spot.post("cleanup-report", body).json == {
            "deleted_amis": 1,
            "deleted_snapshots": 2,
            "failed_count": 3,
            "message": "Cleanup report recorded",
            "success": True,
        }
        log = spot.one("SELECT * FROM cleanup_logs")
        assert (log["executed_at"], log["cutoff_date"]) == ("2026-11-21 03:00:00", "2026-11-14 03:00:00")
        assert (log["cleanup_type"], log["deleted_snapshots_count"]) == ("full", 2)
        assert spot.agent()["last_cleanup_at"] is not None
        event = spot.one("SELECT message FROM system_events WHERE event_type = 'cleanup_completed'")
        assert event == {"message": "Cleaned 2 snapshots, 1 AMIs. Failed: 3"}

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            ({"snapshots": None}, "'NoneType' object has no attribute 'get'"),
            ({"snapshots": {"deleted": 5}}, "object of type 'int' has no len()"),
        ],
    )
    def test_a_report_of_the_wrong_form(self, spot: Spot, body: Any, error: str) -> None:
        answer = spot.post("cleanup-report", body)
        assert (answer.status_code, answer.json) == (500, {"error": error})
        assert spot.sql("SELECT 1 FROM cleanup_logs") == []

    def test_an_unknown_agent(self, spot: Spot) -> None:
        answer = spot.post("cleanup-report", {}, "unknown")
        assert answer.status_code == 500
        assert answer.json["error"].startswith("1452 (23000): Cannot add or update a child row")
        assert (
            "CONSTRAINT `cleanup_logs_ibfk_1` FOREIGN KEY (`agent_id`) REFERENCES `agents` (`id`)"
            in answer.json["error"]
        )
