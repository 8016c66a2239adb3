"""A client's agents: how they are listed, and what they decided, reported and met with last."""

from __future__ import annotations

from typing import Any

import pytest

from tests.backend.conftest import Spot
from tests.backend.looking_back import ago, in_answers


def read(spot: Spot, what: str) -> Any:
    response = spot.http.get(f"/api/client/{spot.client_id}/{what}")
    assert response.status_code == 200, response.text
    return response.json


class TestLists:
    def test_an_agent_is_listed_with_its_settings(self, spot: Spot) -> None:
        heard = ago(minutes=1)
        spot.sql("UPDATE agents SET last_heartbeat_at = ?, terminate_wait_seconds = 330", heard)
        assert read(spot, "agents") == [
            {
                "id": spot.agent_id,
                "logicalAgentId": "agent-1",
                "status": "online",
                "lastHeartbeat": in_answers(heard),
                "agentVersion": "4.0.0",
                "instanceId": "i-1",
                "instanceType": "t3.medium",
                "region": "us-east-1",
                "az": "us-east-1a",
                "currentMode": "ondemand",
                "instanceCount": 0,
                "enabled": 1,
                "autoSwitchEnabled": 1,
                "autoTerminateEnabled": 1,
                "manualReplicaEnabled": 0,
                "terminateWaitMinutes": 5,
            }
        ]

    @pytest.mark.parametrize("seconds", ["NULL", "0"])
    def test_without_a_waiting_time_it_is_half_an_hour(self, spot: Spot, seconds: str) -> None:
        spot.sql(f"UPDATE agents SET terminate_wait_seconds = {seconds}")
        assert [agent["terminateWaitMinutes"] for agent in read(spot, "agents")] == [30]

    def test_the_ones_heard_of_last_come_first_and_deleted_ones_not(self, spot: Spot) -> None:
        heard = {"silent": None, "older": ago(days=2), "newer": ago(days=1), "gone": ago(hours=1)}
        for name, time in heard.items():
            spot.register(logical_agent_id=name, instance_id=f"i-{name}")
            spot.sql("UPDATE agents SET last_heartbeat_at = ? WHERE logical_agent_id = ?", time, name)
        spot.sql("UPDATE agents SET status = 'deleted' WHERE logical_agent_id = 'gone'")
        names = [agent["logicalAgentId"] for agent in read(spot, "agents")]
        assert names == ["agent-1", "newer", "older", "silent"]

    def test_the_history_has_all_of_them_by_status(self, spot: Spot) -> None:
        for number, status in enumerate(("deleted", "offline", "strange", "online")):
            spot.register(logical_agent_id=status, instance_id=f"i-{status}")
            spot.sql(
                "UPDATE agents SET status = ?, last_heartbeat_at = ? WHERE logical_agent_id = ?",
                *(status, ago(days=number + 1), status),
            )
        spot.sql("UPDATE instances SET installed_at = '2026-01-01 00:00:00', terminated_at = '2026-01-02 00:00:00'")
        listed = read(spot, "agents/history")
        assert [agent["logicalAgentId"] for agent in listed] == ["agent-1", "online", "offline", "deleted", "strange"]
        assert (listed[0]["installedAt"], listed[0]["terminatedAt"]) == ("2026-01-01T00:00:00", "2026-01-02T00:00:00")
        assert set(listed[0]) == {
            *("id", "logicalAgentId", "status", "lastHeartbeat", "instanceId", "instanceType", "region", "az"),
            *("currentMode", "enabled", "autoSwitchEnabled", "manualReplicaEnabled", "createdAt", "updatedAt"),
            *("installedAt", "terminatedAt"),
        }

    @pytest.mark.parametrize("what", ["agents", "agents/history", "agents/decisions"])
    def test_an_unknown_client_has_no_agents(self, spot: Spot, what: str) -> None:
        assert spot.http.get(f"/api/client/nobody/{what}").json == []


class TestDecisions:
    def decide(self, spot: Spot, minutes: int, **values: Any) -> None:
        row = {
            "agent_id": spot.agent_id,
            "client_id": spot.client_id,
            "decision_type": "stay",
            "decision_time": ago(minutes=minutes),
            **values,
        }
        spot.sql(
            f"INSERT INTO agent_decision_history ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
            *row.values(),
        )

    def report(self, spot: Spot, minutes: int, on_demand: float | None, current: float | None) -> None:
        spot.sql(
            "INSERT INTO pricing_reports (id, agent_id, on_demand_price, current_spot_price, received_at)"
            " VALUES (?, ?, ?, ?, ?)",
            *(f"report-{minutes}", spot.agent_id, on_demand, current, ago(minutes=minutes)),
        )

    def the_agent(self, spot: Spot) -> dict[str, Any]:
        (agent,) = read(spot, "agents/decisions")
        return agent

    def test_an_agent_that_did_nothing_yet(self, spot: Spot) -> None:
        spot.sql("DELETE FROM system_events")
        spot.sql("UPDATE agents SET last_heartbeat_at = NULL")
        assert self.the_agent(spot) == {
            "agentId": spot.agent_id,
            "agentName": "agent-1",
            "status": "online",
            "currentMode": "ondemand",
            "currentPoolId": None,
            "lastHeartbeat": "Unknown",
            "isHealthy": False,
            "lastDecision": {"type": None, "time": None, "elapsed": None},
            "pricingHealth": {"status": "stale", "lastReport": None, "recentReportsCount": 0},
            "decisionHistory": [],
            "recentActivity": {
                "healthStatus": {
                    "overall": "unhealthy",
                    "heartbeat": "stale",
                    "activity": "inactive",
                    "decisionCount": 0,
                    "recentReportsCount": 0,
                },
                "pricingReports": [],
                "systemEvents": [],
            },
        }

    def test_the_last_five_of_each_kind_are_told(self, spot: Spot) -> None:
        for minutes in (12, 7, 70, 200, 300, 400, 500):
            self.decide(spot, minutes, decision_type=f"type-{minutes}", risk_score=0.2, expected_savings=0)
            self.report(spot, minutes, 0.0416, None)
        agent = self.the_agent(spot)
        kinds = [decision["type"] for decision in agent["decisionHistory"]]
        assert kinds == ["type-7", "type-12", "type-70", "type-200", "type-300"]
        assert agent["decisionHistory"][0] == {
            "type": "type-7",
            "action": None,
            "time": agent["lastDecision"]["time"],
            "riskScore": 0.2,
            "expectedSavings": None,
            "currentMode": None,
        }
        assert agent["lastDecision"]["type"] == "type-7"
        elapsed = {"minutes": 7, "formatted": "7 min ago", "value": 7, "unit": "minutes"}
        assert agent["lastDecision"]["elapsed"] == elapsed
        reports = agent["recentActivity"]["pricingReports"]
        assert [(report["onDemandPrice"], report["spotPrice"]) for report in reports] == [(0.0416, 0)] * 5
        assert agent["recentActivity"]["systemEvents"][0]["type"] == "agent_registered"
        assert agent["recentActivity"]["healthStatus"]["overall"] == "healthy"
        assert agent["isHealthy"] is True

    @pytest.mark.parametrize(
        ("minutes", "words"), [(0, "Just now"), (59, "59 min ago"), (60, "1h ago"), (125, "2h ago")]
    )
    def test_how_long_ago_a_decision_was_is_told_in_words(self, spot: Spot, minutes: int, words: str) -> None:
        self.decide(spot, minutes)
        assert self.the_agent(spot)["lastDecision"]["elapsed"]["formatted"] == words

    @pytest.mark.parametrize(("minutes", "words"), [(0, "< 1 min ago"), (7, "7 min ago"), (180, "3h ago")])
    def test_so_is_a_heartbeat(self, spot: Spot, minutes: int, words: str) -> None:
        spot.sql("UPDATE agents SET last_heartbeat_at = ?", ago(minutes=minutes))
        assert self.the_agent(spot)["lastHeartbeat"] == words

    def test_every_agent_has_its_own_and_online_ones_come_first(self, spot: Spot) -> None:
        first = spot.agent_id
        for name, status in (("b", "online"), ("a", "offline"), ("gone", "deleted")):
            spot.agent_id = spot.register(logical_agent_id=name, instance_id=f"i-{name}").json["agent_id"]
            spot.sql("UPDATE agents SET status = ? WHERE id = ?", status, spot.agent_id)
            self.decide(spot, 1, decision_type=name)
        listed = read(spot, "agents/decisions")
        assert [agent["agentName"] for agent in listed] == ["agent-1", "b", "a"]
        assert [agent["lastDecision"]["type"] for agent in listed] == [None, "b", "a"]
        assert listed[0]["agentId"] == first
