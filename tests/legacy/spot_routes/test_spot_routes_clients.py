"""What a client's pages call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.legacy.spot_routes.server import UNKNOWN_ID, Account, SpotServer


def seconds_ago(seconds: int) -> str:
    return f"{datetime.now(UTC) - timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}"


class TestValidate:
    def test_it_insists_on_the_scheme(self, server: SpotServer, acme: Account) -> None:
        assert server.get("/api/client/validate", token=acme.token).json == {
            "client_id": acme.id,
            "email": "acme@example.com",
            "name": "Acme",
            "valid": True,
        }
        for header in (acme.token, f"bearer {acme.token}", "Bearer "):
            answer = server.get("/api/client/validate", headers={"Authorization": header})
            assert (answer.status_code, answer.json["error"]) == (401, "Missing or invalid Authorization header")

    def test_it_alone_looks_at_the_status(self, server: SpotServer, acme: Account) -> None:
        server.db.execute("UPDATE clients SET status = 'suspended'")
        assert server.get("/api/client/validate", token=acme.token).status_code == 403
        assert server.get(f"/api/agents/{UNKNOWN_ID}/pending-commands", token=acme.token).status_code == 200


def test_a_client_nobody_knows_has_nothing(server: SpotServer) -> None:
    path = f"/api/client/{UNKNOWN_ID}"
    assert server.get(path).status_code == 404
    for part in ("agents", "agents/decisions", "agents/history", "instances", "replicas", "savings", "switch-history"):
        assert server.get(f"{path}/{part}").json == []
    assert server.get(f"{path}/stats/charts").json == {
        "modeDistribution": [],
        "savingsTrend": [],
        "switchFrequency": [],
    }


class TestAgents:
    def test_flags_are_numbers_and_no_waiting_time_is_half_an_hour(self, server: SpotServer, acme: Account) -> None:
        server.agent(acme, "one")
        server.db.execute("UPDATE agents SET terminate_wait_seconds = 0")
        (agent,) = server.get(f"/api/client/{acme.id}/agents").json
        assert (agent["enabled"], agent["terminateWaitMinutes"], agent["instanceCount"]) == (1, 30, 0)
        assert isinstance(agent["enabled"], int)
        assert agent["lastHeartbeat"] == server.row("agents")["last_heartbeat_at"].isoformat()

    def test_decisions_fail_as_soon_as_there_is_an_agent(self, server: SpotServer, acme: Account) -> None:
        path = f"/api/client/{acme.id}/agents/decisions"
        assert server.get(path).json == []
        server.agent(acme, "one")
        answer = server.get(path)
        error = "1054 (42S22): Unknown column 'ondemand_price' in 'SELECT'"
        assert (answer.status_code, answer.json) == (500, {"error": error})

    def test_toggling_without_a_value_enables_and_says_disabled(self, server: SpotServer, acme: Account) -> None:
        agent_id = server.agent(acme, "one")
        path = f"/api/client/agents/{agent_id}/toggle-enabled"
        server.post(path, {"enabled": False})
        assert server.post(path, {}).json == {"success": True}
        assert server.row("agents")["enabled"] == 1
        assert server.messages("system_events")[-1] == f"Agent {agent_id} disabled"
        assert server.post(path, {"enabled": "yes"}).json["error"].startswith("1366 (")
        assert server.post(f"/api/client/agents/{UNKNOWN_ID}/toggle-enabled", {}).json == {"success": True}

    def test_settings_are_written_as_they_come(self, server: SpotServer, acme: Account) -> None:
        path = f"/api/client/agents/{server.agent(acme, 'one')}/settings"
        body = {"auto_switch_enabled": None, "replica_count": -1, "manual_replica_enabled": True}
        assert server.post(path, body).json == {"success": True}
        agent = server.row("agents")
        stored = (agent["auto_switch_enabled"], agent["replica_count"], agent["manual_replica_enabled"])
        assert stored == (None, -1, 0)

    def test_a_deleted_agent_keeps_its_row_and_loses_everything_else(self, server: SpotServer, acme: Account) -> None:
        agent_id = server.agent(acme, "one")
        for _ in range(2):
            assert server.delete(f"/api/client/agents/{agent_id}").json == {
                "agent_id": agent_id,
                "message": "Agent deleted successfully",
                "success": True,
            }
        assert server.get(f"/api/client/{acme.id}/agents").json == []
        (past,) = server.get(f"/api/client/{acme.id}/agents/history").json
        assert (past["status"], past["enabled"]) == ("deleted", 0)
        assert past["terminatedAt"] is not None
        assert server.row("instances")["is_active"] == 0
        assert f"Agent {agent_id} has been deleted" in server.messages()


class TestConfig:
    @pytest.mark.parametrize(
        ("body", "echo", "stored"),
        [
            ({}, (True, False), (1, 0)),
            ({"manualReplicaEnabled": True}, (True, True), (0, 1)),
            ({"autoSwitchEnabled": True, "manualReplicaEnabled": True}, (True, True), (0, 1)),
            ({"autoSwitchEnabled": 0}, (False, False), (0, 0)),
            ({"autoSwitchEnabled": "false"}, (True, False), (1, 0)),
        ],
    )
    def test_the_answer_repeats_the_question_and_not_the_outcome(
        self, server: SpotServer, acme: Account, body: dict[str, Any], echo: tuple[bool, bool], stored: tuple[int, int]
    ) -> None:
        answer = server.post(f"/api/client/agents/{server.agent(acme, 'one')}/config", body).json
        assert (answer["auto_switch_enabled"], answer["manual_replica_enabled"]) == echo
        agent = server.row("agents")
        assert (agent["auto_switch_enabled"], agent["manual_replica_enabled"]) == stored

    def test_minutes_become_seconds(self, server: SpotServer, acme: Account) -> None:
        path = f"/api/client/agents/{server.agent(acme, 'one')}/config"
        server.post(path, {"terminateWaitMinutes": "7", "terminate_wait_minutes": 3})
        assert server.row("agents")["terminate_wait_seconds"] == 420
        answer = server.post(path, {"terminateWaitMinutes": "abc"})
        assert answer.json == {"error": "invalid literal for int() with base 10: 'abc'"}
        assert server.post(f"/api/client/agents/{UNKNOWN_ID}/config", {}).status_code == 404


class TestInstances:
    def test_filters_and_wildcards(self, server: SpotServer, acme: Account) -> None:
        server.agent(acme, "one")
        server.agent(acme, "two", mode="spot")

        def found(query: str) -> set[str]:
            return {instance["id"] for instance in server.get(f"/api/client/{acme.id}/instances?{query}").json}

        assert found("status=bogus&mode=all&search=") == {"i-one", "i-two"}
        assert found("mode=") == set()
        assert found("search=i_t%25o") == {"i-two"}
        assert found("search=T3.&mode=spot") == {"i-two"}
        (instance,) = server.get(f"/api/client/{acme.id}/instances?mode=ondemand").json
        assert (instance["poolId"], instance["spotPrice"], instance["isActive"]) == ("n/a", 0.0, 1)

    def test_search_ignores_case_and_accents(self, server: SpotServer, acme: Account) -> None:
        server.agent(acme, "plain", instance_id="i-séarch")
        for text in ("SEARCH", "sëarch", "SÉA"):
            found = server.get(f"/api/client/{acme.id}/instances", query_string={"search": text}).json
            assert [instance["id"] for instance in found] == ["i-séarch"]

    def test_prices_count_for_an_hour(self, server: SpotServer, acme: Account) -> None:
        server.agent(acme, "one")
        fresh, old = server.pool("us-east-1a"), server.pool("us-east-1b")
        for pool_id, price, age in ((fresh, 0.02, 600), (fresh, 0.0119, 60), (old, 0.01, 3700)):
            server.db.execute(
                "INSERT INTO spot_price_snapshots (pool_id, price, captured_at) VALUES (%s, %s, %s)",
                (pool_id, price, seconds_ago(age)),
            )
        answer = server.get("/api/client/instances/i-one/pricing").json
        assert answer["onDemand"] == {"name": "On-Demand", "price": 0.0416}
        assert answer["currentPool"] is None
        assert answer["pools"] == [
            {
                "az": "us-east-1a",
                "id": fresh,
                "name": "t3.medium (us-east-1a)",
                "price": 0.0119,
                "savings": 71.39423076923077,
            },
            {"az": "us-east-1b", "id": old, "name": "t3.medium (us-east-1b)", "price": 0, "savings": 0},
        ]

    def test_price_history_is_one_bucket_with_a_strange_label(self, server: SpotServer, acme: Account) -> None:
        server.agent(acme, "one")
        path = "/api/client/instances/i-one/price-history"
        assert server.get(path).json == []
        pool_id = server.pool("us-east-1a")
        assert server.get(path).json["data"] == []
        for price, age in ((0.01, 60), (0.02, 90_000), (0.02, 90_000)):
            server.db.execute(
                "INSERT INTO spot_price_snapshots (pool_id, price, captured_at) VALUES (%s, %s, %s)",
                (pool_id, price, seconds_ago(age)),
            )
        bucket = {"onDemand": 0.0416, f"pool_{pool_id}": 0.0166666667, "time": "%Y-%m-%d %H:00"}
        assert server.get(path).json["data"] == [bucket]
        one_day = server.get(f"{path}?days=0&interval=day").json["data"]
        assert one_day == [{**bucket, f"pool_{pool_id}": 0.01, "time": "%Y-%m-%d"}]

        history = server.get("/api/client/pricing-history?days=99", token=acme.token).json
        assert (history["days"], history["data_points"], history["agent_id"]) == (30, 1, None)
        assert history["history"][0] == {
            "ondemand_price": 0.0416,
            "spot_pools": [{"az": "us-east-1a", "pool_id": pool_id, "price": 0.0166666667}],
            "timestamp": "%Y-%m-%d %H:00:00",
        }

    def test_metrics_count_switches_to_this_instance(self, server: SpotServer, acme: Account) -> None:
        agent_id = server.agent(acme, "one")
        server.db.execute("UPDATE instances SET installed_at = %s", (seconds_ago(7300),))
        for age in (60, 8 * 86_400, 40 * 86_400):
            server.db.execute(
                "INSERT INTO switches (id, client_id, agent_id, new_instance_id, savings_impact, initiated_at)"
                " VALUES (%s, %s, %s, 'i-one', 0.0297, %s)",
                (str(age), acme.id, agent_id, seconds_ago(age)),
            )
        metrics = server.get("/api/client/instances/i-one/metrics").json
        counts = (metrics["switchesLast7Days"], metrics["switchesLast30Days"], metrics["totalSwitches"])
        assert counts == (1, 2, 3)
        assert (metrics["totalSavings"], metrics["savingsLast30Days"]) == (2.1384, 1.4256)
        assert (metrics["uptimeHours"], metrics["hoursSinceLastSwitch"]) == (2, 0)

    def test_available_options_always_fail(self, server: SpotServer, acme: Account) -> None:
        answer = server.get("/api/client/instances/i-one/available-options", token=acme.token)
        error = "'Request' object has no attribute 'client_id'"
        assert (answer.status_code, answer.json) == (500, {"error": error})


class TestForceSwitch:
    def test_a_command_is_queued_for_the_instances_agent(self, server: SpotServer, acme: Account) -> None:
        agent_id = server.agent(acme, "one")
        body = {"target": "pool", "pool_id": "p", "new_instance_type": "t3.large"}
        answer = server.post("/api/client/instances/i-one/force-switch", body).json
        command = server.row("commands", id=answer["command_id"])
        assert (command["agent_id"], command["target_mode"], command["priority"]) == (agent_id, "spot", 75)
        assert "Manual switch queued for i-one (type: t3.large)" in server.messages()
        assert "Manual switch requested for i-one to pool" in server.messages("system_events")

    def test_refusals(self, server: SpotServer, acme: Account) -> None:
        path = "/api/client/instances/i-one/force-switch"
        details = {"target": ["Must be one of: ondemand, pool, spot."], "extra": ["Unknown field."]}
        refused = server.post(path, {"target": "x", "extra": 1})
        assert (refused.status_code, refused.json) == (400, {"details": details, "error": "Validation failed"})
        assert server.post(path, {"target": "spot"}).json == {"error": "Instance or agent not found"}
        server.agent(acme, "one")
        server.db.execute("UPDATE instances SET agent_id = NULL")
        assert server.post(path, {"target": "spot"}).json == {"error": "No agent assigned to instance"}

    def test_two_agents_on_one_instance_fail_and_lose_no_connection(self, server: SpotServer, acme: Account) -> None:
        for name in ("one", "two"):
            path = f"/api/agents/{server.agent(acme, name)}/heartbeat"
            server.post(path, {"instance_id": "i-shared"}, token=acme.token)
        for _ in range(11):
            answer = server.post("/api/client/instances/i-shared/force-switch", {"target": "ondemand"})
            assert (answer.status_code, answer.json) == (500, {"error": "Unread result found"})
        assert server.get("/api/admin/system-health").json["connectionPool"] == "10/10"


class TestHistory:
    def months(self, server: SpotServer, account: Account, *months: tuple[int, int]) -> None:
        for year, month in months:
            server.db.execute(
                "INSERT INTO client_savings_monthly (client_id, year, month, savings) VALUES (%s, %s, %s, %s)",
                (account.id, year, month, month),
            )

    def test_savings_run_by_date_and_the_chart_by_the_names_of_months(self, server: SpotServer, acme: Account) -> None:
        self.months(server, acme, (2025, 12), (2026, 1), (2026, 4), (2026, 2))
        savings = server.get(f"/api/client/{acme.id}/savings").json
        assert [month["name"] for month in savings] == ["December", "January", "February", "April"]
        assert server.get(f"/api/client/{acme.id}/savings?range=daily").json == []
        trend = server.get(f"/api/client/{acme.id}/stats/charts").json["savingsTrend"]
        assert [month["month"] for month in trend] == ["December", "April", "February", "January"]

    def test_a_switch_without_times_happens_now(self, server: SpotServer, acme: Account) -> None:
        agent_id = server.agent(acme, "one")
        body = {"new_instance": {**server.registration(acme, "two"), "mode": "spot"}, "pricing": {"new_spot": 0.01}}
        server.post(f"/api/agents/{agent_id}/switch-report", body, token=acme.token)
        before = datetime.now()
        (switch,) = server.get(f"/api/client/{acme.id}/switch-history?instance_id=i-two").json
        assert before <= datetime.fromisoformat(switch["timestamp"]) <= datetime.now()
        assert (switch["price"], switch["savingsImpact"], switch["trigger"]) == (0.01, -0.01, "manual")
        assert (switch["fromPool"], switch["toMode"]) == ("n/a", "spot")
        assert server.get(f"/api/client/{acme.id}/switch-history?instance_id=none").json == []
