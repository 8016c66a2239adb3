"""What agents call."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.legacy.spot_routes.server import UNKNOWN_ID, Account, SpotServer

FRESH_CONFIG = {
    "auto_switch_enabled": 1,
    "auto_terminate_enabled": 1,
    "enabled": 1,
    "max_switches_per_week": 10,
    "min_pool_duration_hours": 2,
    "min_savings_percent": 15.0,
    "replica_count": 0,
    "replica_enabled": 0,
    "risk_threshold": 0.3,
    "terminate_wait_seconds": 300,
}
STAY = {
    "allowed": False,
    "expected_savings_per_hour": 0.0,
    "instance_id": "i-one",
    "reason": "Decision engine unavailable - staying in current mode for safety",
    "recommended_action": "stay",
    "recommended_mode": "spot",
    "recommended_pool_id": None,
    "risk_score": 0.0,
}


class TestRegistration:
    def test_a_new_agent_gets_its_configuration(self, server: SpotServer, acme: Account) -> None:
        answer = server.post("/api/agents/register", server.registration(acme, "one"), token=acme.token)
        agent_id = answer.json["agent_id"]
        assert answer.json == {"agent_id": agent_id, "client_id": acme.id, "config": FRESH_CONFIG}
        instance = server.row("instances", id="i-one")
        assert (instance["agent_id"], instance["ondemand_price"]) == (agent_id, Decimal("0.0416"))
        assert "New agent registered: one" in server.messages()
        assert "Agent one registered successfully" in server.messages("system_events")

    def test_the_same_logical_id_is_the_same_agent_and_forgets_what_it_leaves_out(
        self, server: SpotServer, acme: Account
    ) -> None:
        first = server.agent(acme, "one", mode="spot")
        body = server.registration(acme, "ONE", instance_id="i-next")
        del body["hostname"]
        assert server.post("/api/agents/register", body, token=acme.token).json["agent_id"] == first
        agent = server.row("agents", id=first)
        assert (agent["hostname"], agent["instance_id"], agent["current_pool_id"]) == (None, "i-next", None)
        assert len(server.rows("instances")) == 2

    def test_a_null_public_address_is_refused_and_remembered(self, server: SpotServer, acme: Account) -> None:
        body = server.registration(acme, "one", public_ip=None)
        answer = server.post("/api/agents/register", body, token=acme.token)
        details = {"public_ip": ["Field may not be null."]}
        assert (answer.status_code, answer.json) == (400, {"error": "Validation failed", "details": details})
        assert f"Agent registration validation failed: {details}" in server.messages("system_events")

    def test_a_spot_agent_fails_when_only_the_on_demand_price_is_known(self, server: SpotServer, acme: Account) -> None:
        server.db.execute(
            "INSERT INTO ondemand_prices (instance_type, region, price) VALUES ('t3.medium', 'us-east-1', 0.05)"
        )
        body = server.registration(acme, "one", mode="spot")
        answer = server.post("/api/agents/register", body, token=acme.token)
        error = "unsupported operand type(s) for *: 'decimal.Decimal' and 'float'"
        assert (answer.status_code, answer.json) == (500, {"error": error})
        assert len(server.rows("agents")) == len(server.rows("agent_configs")) == 1
        assert server.rows("instances") == []
        assert server.row("system_events", severity="error")["message"] == error


class TestHeartbeat:
    def test_going_and_coming_back_is_told_to_the_client(self, server: SpotServer, acme: Account) -> None:
        agent_id = server.agent(acme, "one")
        for status in ("online", "offline", "offline", "disabled", "offline", "online"):
            answer = server.post(f"/api/agents/{agent_id}/heartbeat", {"status": status}, token=acme.token)
            assert answer.json == {"success": True}
        told = [message for message in server.messages() if message and message.startswith(f"Agent {agent_id}")]
        assert sorted(told) == [
            f"Agent {agent_id} is back online",
            f"Agent {agent_id} went offline",
            f"Agent {agent_id} went offline",
        ]
        assert server.row("clients")["last_sync_at"] is not None

    def test_only_what_is_reported_changes(self, server: SpotServer, acme: Account) -> None:
        agent_id = server.agent(acme, "one")
        body = {"mode": "spot", "az": None, "monitored_instances": []}
        server.post(f"/api/agents/{agent_id}/heartbeat", body, token=acme.token)
        agent = server.row("agents")
        assert (agent["current_mode"], agent["az"], agent["instance_id"]) == ("spot", "us-east-1a", "i-one")

    def test_another_clients_agent_is_not_found(self, server: SpotServer, acme: Account) -> None:
        agent_id = server.agent(acme, "one")
        answer = server.post(f"/api/agents/{agent_id}/heartbeat", {}, token=server.account("Other").token)
        assert (answer.status_code, answer.json) == (404, {"error": "Agent not found"})

    def test_a_status_over_20_characters_is_too_long(self, server: SpotServer, acme: Account) -> None:
        path = f"/api/agents/{server.agent(acme, 'one')}/heartbeat"
        answer = server.post(path, {"status": "x" * 21}, token=acme.token)
        assert answer.json == {"error": "1406 (22001): Data too long for column 'status' at row 1"}


def test_commands_come_from_both_queues_by_priority_and_leave_when_executed(server: SpotServer, acme: Account) -> None:
    agent_id = server.agent(acme, "one")
    server.post("/api/client/instances/i-one/force-switch", {"target": "ondemand"})
    server.db.execute(
        "INSERT INTO pending_switch_commands (client_id, agent_id, instance_id, target_mode, priority)"
        " VALUES (%s, %s, 'i-one', 'spot', 90)",
        (acme.id, agent_id),
    )
    path = f"/api/agents/{agent_id}"
    numbered, queued = server.get(f"{path}/pending-commands", token=server.account("Other").token).json
    assert (numbered["id"], numbered["priority"]) == ("1", 90)
    assert "command_type" not in queued
    assert queued["terminate_wait_seconds"] is None

    assert server.post(f"{path}/commands/1/executed", {}, token=acme.token).json == {"success": True}
    outcome = {"success": False, "message": "no capacity"}
    server.post(f"{path}/commands/{queued['id']}/executed", outcome, token=acme.token)
    assert server.get(f"{path}/pending-commands", token=acme.token).json == []
    command = server.row("commands")
    assert (command["status"], command["success"], command["message"]) == ("failed", 0, "no capacity")


class TestPricingReport:
    def report(self, **pricing: object) -> dict[str, object]:
        instance = {"instance_id": "i-one", "instance_type": "t3.medium", "region": "us-east-1", "az": "us-east-1a"}
        return {"instance": instance, "pricing": {"on_demand_price": 0.0416, "current_spot_price": 0.0125, **pricing}}

    def test_prices_are_kept_where_they_belong(self, server: SpotServer, acme: Account) -> None:
        path = f"/api/agents/{server.agent(acme, 'one')}/pricing-report"
        pools = [{"pool_id": "t3.medium.us-east-1b", "az": "us-east-1b", "price": 0.0119}]
        collected_at = "2026-11-21T03:00:00.123456+00:00"
        body = self.report(spot_pools=pools, cheapest_pool=pools[0], collected_at=collected_at)
        for _ in range(2):
            assert server.post(path, body, token=acme.token).json == {"success": True}
        assert server.row("instances")["spot_price"] == Decimal("0.0125")
        assert server.row("spot_pools")["pool_name"] == "t3.medium (us-east-1b)"
        assert len(server.rows("spot_price_snapshots")) == len(server.rows("ondemand_price_snapshots")) == 2
        report = server.rows("pricing_reports")[0]
        assert report["collected_at"] == datetime(2026, 11, 21, 3)
        assert json.loads(report["spot_pools"]) == pools

    def test_a_pool_without_a_price_fails_after_everything_before_it(self, server: SpotServer, acme: Account) -> None:
        path = f"/api/agents/{server.agent(acme, 'one')}/pricing-report"
        body = self.report(spot_pools=[{"pool_id": "p", "az": "us-east-1z"}])
        answer = server.post(path, body, token=acme.token)
        assert (answer.status_code, answer.json) == (500, {"error": "'price'"})
        assert server.row("spot_pools")["id"] == "p"
        assert len(server.rows("pricing_reports")) == 1
        assert server.rows("ondemand_price_snapshots") == []

    def test_a_time_that_ends_in_z_is_refused(self, server: SpotServer, acme: Account) -> None:
        path = f"/api/agents/{server.agent(acme, 'one')}/pricing-report"
        answer = server.post(path, self.report(collected_at="2026-11-20T10:00:00Z"), token=acme.token)
        assert answer.json["error"].startswith("1292 (22007): Incorrect datetime value: '2026-11-20T10:00:00Z'")

    def test_an_unknown_agent_breaks_a_foreign_key(self, server: SpotServer, acme: Account) -> None:
        answer = server.post(f"/api/agents/{UNKNOWN_ID}/pricing-report", self.report(), token=acme.token)
        assert answer.json["error"].startswith("1452 (23000)")
        assert "fk_pricing_reports_agent" in answer.json["error"]


class TestSwitchReport:
    OLD = {"instance_id": "i-one", "instance_type": "t3.medium", "region": "us-east-1", "az": "us-east-1a"}
    NEW = {**OLD, "instance_id": "i-two", "mode": "spot", "pool_id": "t3.medium.us-east-1a"}

    def test_savings_are_rounded_each_time_they_grow(self, server: SpotServer, acme: Account) -> None:
        agent_id = server.agent(acme, "one")
        instance = {"instance_id": "i-two", "instance_type": "t3.medium", "region": "us-east-1", "az": "us-east-1a"}
        body = {"new_instance": instance, "pricing": {"old_spot": 0.02001, "new_spot": 0.02}}
        for _ in range(3):
            assert server.post(f"/api/agents/{agent_id}/switch-report", body, token=acme.token).status_code == 200
        assert server.get("/api/admin/stats").json["totalSavings"] == 0.0006

    def test_savings_grow_and_the_instances_change_places(self, server: SpotServer, acme: Account) -> None:
        agent_id = server.agent(acme, "one")
        body = {
            "old_instance": {**self.OLD, "mode": "ondemand"},
            "new_instance": self.NEW,
            "pricing": {"on_demand": 0.0416, "new_spot": 0.0119},
            "timing": {"initiated_at": "2026-11-21T03:10:00+00:00", "old_terminated_at": "2026-11-21T03:12:00"},
            "trigger": "manual",
        }
        assert server.post(f"/api/agents/{agent_id}/switch-report", body, token=acme.token).json == {"success": True}
        assert server.row("clients")["total_savings"] == Decimal("0.7128")
        assert server.row("instances", id="i-one")["is_active"] == 0
        assert server.row("agents")["instance_id"] == "i-two"
        assert server.row("instances", id="i-two")["baseline_ondemand_price"] is None
        assert "Instance switched: i-two - Saved $0.0297/hr" in server.messages()

    def test_the_names_that_real_agents_use_are_not_read(self, server: SpotServer, acme: Account) -> None:
        agent_id = server.agent(acme, "one")
        timing = {"switch_initiated_at": "2026-11-21T03:10:00", "old_instance_terminated_at": "2026-11-21T03:12:00"}
        prices = {"on_demand": 0.0416, "new_spot": 0.0119}
        body = {"old_instance": self.OLD, "new_instance": self.NEW, "timing": timing, "prices": prices}
        assert server.post(f"/api/agents/{agent_id}/switch-report", body, token=acme.token).json == {"success": True}
        switch = server.row("switches")
        assert (switch["initiated_at"], switch["on_demand_price"]) == (None, None)
        assert json.loads(switch["timing_data"]) == timing
        assert server.row("instances", id="i-one")["is_active"] == 1
        assert "Instance switched: i-two - Saved $0.0000/hr" in server.messages()

    def test_a_report_without_an_instance_leaves_its_switch_behind(self, server: SpotServer, acme: Account) -> None:
        agent_id = server.agent(acme, "one")
        answer = server.post(f"/api/agents/{agent_id}/switch-report", {}, token=acme.token)
        assert answer.json == {"error": "1048 (23000): Column 'id' cannot be null"}
        assert len(server.rows("switches")) == 1


def test_a_termination_is_told_even_for_an_unknown_agent(server: SpotServer, acme: Account) -> None:
    agent_id = server.agent(acme, "one")
    for each in (agent_id, UNKNOWN_ID):
        answer = server.post(f"/api/agents/{each}/termination", {"reason": "spot"}, token=acme.token)
        assert answer.json == {"success": True}
    assert server.row("agents")["status"] == "offline"
    assert {f"Agent {agent_id} terminated: spot", f"Agent {UNKNOWN_ID} terminated: spot"} <= set(server.messages())
    assert len(server.rows("system_events", event_type="instance_terminated")) == 1


def test_a_cleanup_is_counted(server: SpotServer, acme: Account) -> None:
    agent_id = server.agent(acme, "one")
    body = {"snapshots": {"deleted": ["a", "b"], "failed": ["c"]}, "amis": {"deleted_amis": ["d"], "failed": ["e"]}}
    assert server.post(f"/api/agents/{agent_id}/cleanup-report", body, token=acme.token).json == {
        "deleted_amis": 1,
        "deleted_snapshots": 2,
        "failed_count": 2,
        "message": "Cleanup report recorded",
        "success": True,
    }
    assert json.loads(server.row("cleanup_logs")["details"]) == body
    assert "Cleaned 2 snapshots, 1 AMIs. Failed: 2" in server.messages("system_events")


class TestRebalance:
    def interrupt(self, server: SpotServer, pool_id: str, times: int) -> None:
        moment = datetime.now(UTC) - timedelta(hours=1)
        for _ in range(times):
            server.db.execute(
                "INSERT INTO spot_interruption_events"
                " (instance_id, agent_id, pool_id, signal_type, detected_at, response_action)"
                " VALUES ('i', 'a', %s, 'termination-notice', %s, 'no-action')",
                (pool_id, f"{moment:%Y-%m-%d %H:%M:%S}"),
            )

    @pytest.mark.parametrize(("interruptions", "action"), [(9, "monitor"), (10, "switch")])
    def test_a_pool_is_left_when_its_risk_exceeds_three_tenths(
        self, server: SpotServer, acme: Account, interruptions: int, action: str
    ) -> None:
        here, calm, busy = server.pool("us-east-1a"), server.pool("us-east-1c"), server.pool("us-east-1b")
        self.interrupt(server, here, interruptions)
        self.interrupt(server, busy, 1)
        agent_id = server.agent(acme, "one", mode="spot")
        path = f"/api/agents/{agent_id}/rebalance-recommendation"
        answer = server.post(path, {"instance_id": "i-one"}, token=acme.token).json
        assert answer["action"] == action
        assert answer["risk_score"] == interruptions / 30
        assert answer.get("target_pool_id") == (calm if action == "switch" else None)
        assert server.row("termination_events")["event_type"] == "rebalance_recommendation"

    def test_the_instance_must_be_named(self, server: SpotServer, acme: Account) -> None:
        path = f"/api/agents/{server.agent(acme, 'one')}/rebalance-recommendation"
        answer = server.post(path, {}, token=acme.token)
        assert answer.json == {"error": "1048 (23000): Column 'instance_id' cannot be null"}


class TestDecisions:
    def test_decide_never_decides(self, server: SpotServer, acme: Account) -> None:
        path = f"/api/agents/{server.agent(acme, 'one')}/decide"
        body = {"instance": {"instance_id": "i-one", "current_mode": "spot"}, "pricing": {}}
        assert server.post(path, body, token=acme.token).json == STAY
        error = "MLBasedDecisionEngine.make_decision() got an unexpected keyword argument 'instance'"
        assert server.row("system_events", event_type="decision_error")["message"] == error
        assert server.row("risk_scores")["model_version"] == "1.0.0"
        assert server.row("agent_decision_history")["decision_type"] == "stay"

    def test_an_unknown_agent_counts_as_disabled_and_leaves_no_trace(self, server: SpotServer, acme: Account) -> None:
        body = {"instance": {"instance_id": "i-one", "current_mode": "spot"}, "pricing": {}}
        answer = server.post(f"/api/agents/{UNKNOWN_ID}/decide", body, token=acme.token)
        assert (answer.status_code, answer.json) == (200, {**STAY, "reason": "Agent disabled"})
        assert server.rows("risk_scores") == []

    def test_a_missing_part_is_named(self, server: SpotServer, acme: Account) -> None:
        answer = server.post(f"/api/agents/{UNKNOWN_ID}/decide", {"instance": {}}, token=acme.token)
        assert (answer.status_code, answer.json) == (500, {"error": "'pricing'"})

    @pytest.mark.parametrize(
        ("mode", "spot", "on_demand", "decision", "savings", "reason"),
        [
            ("spot", 0.01, 0, "stay_spot", 0.0, "Insufficient pricing data"),
            ("ondemand", 0.04, 0.0416, "switch_to_ondemand", 0.0, "Spot price too high (3.8% savings only)"),
            (
                "ondemand",
                0,
                0.0416,
                "switch_to_spot",
                0.0416,
                "Good savings opportunity (100.0% cheaper than on-demand)",
            ),
            ("spot", 0.0125, 0.0416, "stay_spot", 0.0416 - 0.0125, "Current mode is optimal (70.0% savings)"),
        ],
    )
    def test_recommendations_follow_four_rules(
        self,
        server: SpotServer,
        acme: Account,
        mode: str,
        spot: float,
        on_demand: float,
        decision: str,
        savings: float,
        reason: str,
    ) -> None:
        agent_id = server.agent(acme, "one", mode=mode)
        server.db.execute("UPDATE instances SET spot_price = %s, ondemand_price = %s", (spot, on_demand))
        answer = server.get(f"/api/agents/{agent_id}/switch-recommendation", token=acme.token).json
        assert (answer["decision_type"], answer["expected_savings"], answer["reason"]) == (decision, savings, reason)
        assert answer["will_auto_execute"] is decision.startswith("switch")

    def test_automatic_execution_is_the_number_zero_when_switched_off(self, server: SpotServer, acme: Account) -> None:
        agent_id = server.agent(acme, "one")
        server.post(f"/api/client/agents/{agent_id}/settings", {"auto_switch_enabled": False})
        answer = server.get(f"/api/agents/{agent_id}/switch-recommendation", token=acme.token).json
        assert answer["will_auto_execute"] == 0
        assert answer["will_auto_execute"] is not False


def test_a_switch_command_is_refused_for_good_reasons_and_otherwise_always_fails(
    server: SpotServer, acme: Account
) -> None:
    agent_id = server.agent(acme, "one")

    def issue(body: dict[str, object]) -> tuple[int, object]:
        answer = server.post(f"/api/agents/{agent_id}/issue-switch-command", body, token=acme.token)
        return answer.status_code, answer.json.get("error") or answer.json["message"]

    assert issue({"target_mode": "x"}) == (400, "Invalid target_mode")
    assert issue({"target_mode": "spot"}) == (400, "target_pool_id required for spot mode")
    assert issue({"target_mode": "ondemand"}) == (200, "Agent already in target state")
    missing = "1364 (HY000): Field 'command_type' doesn't have a default value"
    assert issue({"target_mode": "spot", "target_pool_id": "p"}) == (500, missing)
    assert server.rows("commands") == []
    server.post(f"/api/client/agents/{agent_id}/settings", {"auto_switch_enabled": False})
    assert issue({}) == (403, "Auto-switch is disabled for this agent")
    server.post(f"/api/client/agents/{agent_id}/toggle-enabled", {"enabled": False})
    assert issue({}) == (400, "Agent is disabled")
