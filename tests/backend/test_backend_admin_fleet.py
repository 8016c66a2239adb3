"""Operators look at the whole system."""

from __future__ import annotations

from typing import Any

import pytest

from backend import create_app
from tests.backend.conftest import Spot, settings_for


def get(spot: Spot, what: str) -> Any:
    answer = spot.http.get(f"/api/admin/{what}")
    assert answer.status_code == 200
    return answer.json


class TestStats:
    def test_everything_is_counted_once(self, spot: Spot) -> None:
        spot.add_client("client-2", "token-2", active=0)
        spot.register(logical_agent_id="agent-2", instance_id="i-2")
        spot.sql("UPDATE clients SET total_savings = 10.5 WHERE id = 'client-1'")
        spot.sql("UPDATE clients SET total_savings = 2 WHERE id = 'client-2'")
        spot.sql("UPDATE agents SET status = 'deleted' WHERE logical_agent_id = 'agent-2'")
        for number, trigger in enumerate(("manual", "model", "model", "emergency", None)):
            spot.sql(
                "INSERT INTO switches (id, client_id, agent_id, event_trigger) VALUES (?, ?, ?, ?)",
                *(f"s{number}", spot.client_id, spot.agent_id, trigger),
            )
        for number, active in enumerate((1, 1, 0)):
            spot.sql(
                "INSERT INTO spot_pools (id, instance_type, region, az, is_active) VALUES (?, 't', 'r', ?, ?)",
                *(f"p{number}", f"z{number}", active),
            )
        assert get(spot, "stats") == {
            "agentsOnline": 1,
            "agentsTotal": 2,
            "backendHealth": "Healthy",
            "decisionEngineLoaded": True,
            "manualSwitches": 1,
            "mlModelsLoaded": True,
            "modelSwitches": 2,
            "poolsCovered": 2,
            "totalAccounts": 2,
            "totalSavings": 12.5,
            "totalSwitches": 5,
        }

    def test_nothing_is_nothing(self, bare: Spot) -> None:
        bare.sql("DELETE FROM clients")
        stats = get(bare, "stats")
        assert stats["totalSavings"] == 0.0
        assert {stats[name] for name in stats if name.startswith("total") or "gents" in name} == {0}

    def test_on_mariadb(self, spot_on_mariadb: Spot) -> None:
        stats = get(spot_on_mariadb, "stats")
        assert (stats["totalAccounts"], stats["agentsOnline"], stats["totalSavings"]) == (1, 1, 0.0)


class TestAgents:
    @pytest.fixture
    def three(self, spot: Spot) -> Spot:
        """Agents of other times: one never heard of, one deleted, one whose instance is not known."""
        spot.register(logical_agent_id="agent-2", instance_id="i-2", mode="spot", az="us-east-1b")
        spot.register(logical_agent_id="agent-3", instance_id="i-3")
        spot.sql("UPDATE agents SET last_heartbeat_at = '2026-01-01 00:00:00'")
        spot.sql("UPDATE agents SET last_heartbeat_at = NULL WHERE logical_agent_id = 'agent-3'")
        spot.sql("UPDATE agents SET last_heartbeat_at = '2026-01-02 00:00:00', status = 'deleted', enabled = 0"
                 " WHERE logical_agent_id = 'agent-2'")  # fmt: skip
        spot.sql("DELETE FROM instances WHERE id = 'i-1'")
        return spot

    def test_the_ones_heard_of_last_come_first(self, three: Spot) -> None:
        answer = get(three, "agents")
        assert (answer["total"], answer["filters"]) == (3, {"status": None})
        assert [agent["logicalAgentId"] for agent in answer["agents"]] == ["agent-2", "agent-1", "agent-3"]
        second = answer["agents"][0]
        row = three.one("SELECT id, created_at FROM agents WHERE logical_agent_id = 'agent-2'")
        assert second == {
            "autoSwitchEnabled": True,
            "az": "us-east-1b",
            "clientId": "client-1",
            "clientName": "client-1",
            "createdAt": row["created_at"].replace(" ", "T"),
            "currentMode": "spot",
            "currentPoolId": "t3.medium.us-east-1b",
            "enabled": False,
            "hostname": "host-1",
            "id": row["id"],
            "instanceId": "i-2",
            "instanceType": "t3.medium",
            "lastHeartbeatAt": "2026-01-02T00:00:00",
            "logicalAgentId": "agent-2",
            "region": "us-east-1",
            "status": "deleted",
            "version": "4.0.0",
        }

    def test_where_an_agent_runs_is_what_its_instance_says(self, three: Spot) -> None:
        first = get(three, "agents")["agents"][1]
        assert first["instanceId"] == "i-1"
        assert [first[name] for name in ("instanceType", "region", "az", "currentMode")] == [None] * 4

    @pytest.mark.parametrize(
        ("query", "found"), [("", 3), ("online", 2), ("ONLINE", 2), ("deleted", 1), ("offline", 0), ("bogus", 0)]
    )
    def test_of_one_status(self, three: Spot, query: str, found: int) -> None:
        answer = get(three, f"agents?status={query}")
        assert (answer["total"], len(answer["agents"]), answer["filters"]) == (found, found, {"status": query})


class TestInstances:
    @pytest.fixture
    def two(self, spot: Spot) -> Spot:
        """A former instance in another region beside the agent's own."""
        spot.sql(
            "INSERT INTO instances (id, client_id, instance_type, region, az, is_active, current_mode, spot_price,"
            " ondemand_price, created_at) VALUES"
            " ('i-old', 'client-1', 't3.large', 'eu-west-1', 'eu-west-1a', 0, 'spot', 0.0125, 0, '2020-01-01 00:00:00')"
        )
        return spot

    def test_the_newest_come_first(self, two: Spot) -> None:
        answer = get(two, "instances")
        assert (answer["total"], answer["filters"]) == (2, {"mode": None, "region": None, "status": None})
        newest, former = answer["instances"]
        assert (newest["agentId"], newest["agentStatus"], newest["logicalAgentId"]) == (
            two.agent_id,
            "online",
            "agent-1",
        )
        assert (newest["isActive"], newest["spotPrice"], newest["ondemandPrice"]) == (True, None, 0.0416)
        assert former == {
            "agentId": None,
            "agentStatus": None,
            "az": "eu-west-1a",
            "clientId": "client-1",
            "clientName": "client-1",
            "createdAt": "2020-01-01T00:00:00",
            "currentMode": "spot",
            "currentPoolId": None,
            "id": "i-old",
            "installedAt": two.one("SELECT installed_at t FROM instances WHERE id = 'i-old'")["t"].replace(" ", "T"),
            "instanceId": "i-old",
            "instanceType": "t3.large",
            "isActive": False,
            "logicalAgentId": None,
            "ondemandPrice": None,
            "region": "eu-west-1",
            "spotPrice": 0.0125,
        }

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("status=active", ["i-1"]),
            ("status=terminated", ["i-old"]),
            ("status=ACTIVE", ["i-1", "i-old"]),
            ("status=&mode=&region=", ["i-1", "i-old"]),
            ("mode=spot", ["i-old"]),
            ("mode=SPOT&region=EU-WEST-1", ["i-old"]),
            ("region=us-east-1", ["i-1"]),
            ("region=us", []),
            ("search=nothing", ["i-1", "i-old"]),
            ("status=terminated&mode=ondemand", []),
        ],
    )
    def test_filtered(self, two: Spot, query: str, found: list[str]) -> None:
        assert [instance["id"] for instance in get(two, f"instances?{query}")["instances"]] == found

    def test_filters_are_answered_as_they_came(self, two: Spot) -> None:
        filters = get(two, "instances?status=bogus&mode=")["filters"]
        assert filters == {"mode": "", "region": None, "status": "bogus"}

    def test_two_agents_on_one_instance_show_it_twice(self, two: Spot) -> None:
        two.register(logical_agent_id="agent-2")
        shown = get(two, "instances?status=active")["instances"]
        assert [(row["id"], row["logicalAgentId"]) for row in shown] in (
            [("i-1", "agent-1"), ("i-1", "agent-2")],
            [("i-1", "agent-2"), ("i-1", "agent-1")],
        )


class TestActivity:
    def test_the_newest_that_are_no_errors_with_their_kind(self, bare: Spot) -> None:
        bare.sql("DELETE FROM system_events")
        rows = [
            ("switch_completed", "info", "switched"),
            ("manual_switch_requested", "warning", "asked for"),
            ("agent_registered", "info", "registered"),
            ("decision_error", "error", "left out"),
            ("agent_deleted", "warning", None),
        ]
        for kind, severity, message in rows:
            bare.sql(
                "INSERT INTO system_events (event_type, severity, message, created_at) VALUES"
                " (?, ?, ?, '2026-01-01 00:00:00')",
                *(kind, severity, message),
            )
        time = "2026-01-01T00:00:00"
        assert get(bare, "activity") == [
            {"id": 1, "text": None, "time": time, "type": "event"},
            {"id": 2, "text": "registered", "time": time, "type": "agent"},
            {"id": 3, "text": "asked for", "time": time, "type": "switch"},
            {"id": 4, "text": "switched", "time": time, "type": "switch"},
        ]

    def test_no_more_than_50(self, bare: Spot) -> None:
        for number in range(60):
            bare.sql("INSERT INTO system_events (event_type, message) VALUES ('x', ?)", str(number))
        assert [entry["text"] for entry in get(bare, "activity")] == [str(number) for number in range(59, 9, -1)]


class TestSystemHealth:
    def test_all_is_well(self, bare: Spot) -> None:
        for number, active in enumerate((1, 0, 1)):
            bare.sql(
                "INSERT INTO model_registry (id, model_name, model_type, version, file_path, is_active, created_at)"
                " VALUES (?, ?, 'x', '1.0', '', ?, ?)",
                *(f"m{number}", f"model-{number}", active, f"2026-01-0{number + 1} 00:00:00"),
            )
        health = get(bare, "system-health")
        assert (health["apiStatus"], health["database"], health["decisionEngine"]) == ("Healthy", "Connected", "Loaded")
        assert health["connectionPool"] == "10/10"
        assert health["decisionEngineStatus"]["loaded"] is True
        assert health["decisionEngineStatus"]["filesUploaded"] == len(health["decisionEngineStatus"]["files"]) == 0
        assert health["modelStatus"]["name"] == health["decisionEngineStatus"]["type"] != "None"
        assert health["modelStatus"]["activeModels"] == [
            {"active": True, "name": "model-2", "version": "1.0"},
            {"active": True, "name": "model-0", "version": "1.0"},
        ]
        assert len(health["timestamp"]) in (19, 26)

    def test_connections_at_work_are_not_free(self, bare: Spot) -> None:
        small = bare.told(DATABASE_POOL_SIZE="3")
        with small.app.app_context():
            engine = small.app.extensions["sqlalchemy"].engine
            with engine.connect(), engine.connect():
                assert get(small, "system-health")["connectionPool"] == "1/3"
        assert get(small, "system-health")["connectionPool"] == "3/3"

    def test_it_is_told_when_the_database_is_gone(self) -> None:
        lost = create_app("spot", settings_for("mysql://nobody@127.0.0.1:1/nothing", AUTO_MIGRATE="false"))
        answer = lost.test_client().get("/api/admin/system-health")
        assert (answer.status_code, answer.json["database"], answer.json["apiStatus"]) == (
            200,
            "Disconnected",
            "Healthy",
        )
        assert answer.json["connectionPool"] == "10/10"
        assert answer.json["modelStatus"]["activeModels"] == []
