"""Deciding, recommending, and what to do about a rebalance recommendation."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from backend.spot.services.engines.recommendations import recommend
from backend.spot.services.engines.rules import Decision, Limits, Situation, decide
from tests.backend.conftest import Spot

NOW = datetime(2026, 11, 21, 12)
LIMITS = {
    "auto_switch_enabled": True,
    "min_savings_percent": 15.0,
    "risk_threshold": 0.3,
    "max_switches_per_week": 10,
    "min_pool_duration_hours": 2,
}
ON_DEMAND = {"mode": "ondemand", "pool_id": None, "ondemand_price": 1.0, "spot_price": None}
ON_SPOT = {"mode": "spot", "pool_id": "a", "ondemand_price": 1.0, "spot_price": 0.4}


def decided(base: dict[str, Any], limits: dict[str, Any] | None = None, **known: Any) -> Decision:
    return decide(Situation(**{**base, **known}), Limits(**{**LIMITS, **(limits or {})}), NOW)


class TestEngine:
    def test_without_prices_it_stays(self) -> None:
        for decision in (decided(ON_DEMAND, ondemand_price=None), decided(ON_SPOT, spot_price=None)):
            assert (decision.action, decision.allowed, decision.savings) == ("stay", False, 0.0)

    def test_a_good_pool_is_kept_even_if_another_is_cheaper(self) -> None:
        decision = decided(ON_SPOT, pool_prices={"b": 0.1}, pool_risks={"a": 0.3})
        assert (decision.action, decision.pool_id, decision.risk) == ("stay", "a", 0.3)

    def test_on_demand_goes_to_the_cheapest_calm_pool(self) -> None:
        prices = {"cheap but risky": 0.1, "good": 0.3, "dear": 0.5}
        decision = decided(ON_DEMAND, pool_prices=prices, pool_risks={"cheap but risky": 0.31, "good": 0.1})
        assert (decision.action, decision.mode, decision.pool_id) == ("switch_to_spot", "spot", "good")
        assert (decision.risk, decision.savings, decision.allowed) == (0.1, pytest.approx(0.7), True)
        assert decision.reason == "Pool good saves 70.0%"

    @pytest.mark.parametrize(("price", "action"), [(0.85, "switch_to_spot"), (0.86, "stay")])
    def test_less_than_the_wanted_savings_is_not_worth_it(self, price: float, action: str) -> None:
        assert decided(ON_DEMAND, pool_prices={"a": price}).action == action

    @pytest.mark.parametrize("trouble", [{"pool_risks": {"a": 0.31}}, {"spot_price": 0.9}])
    def test_a_pool_that_is_no_good_is_left(self, trouble: dict[str, Any]) -> None:
        better = decided(ON_SPOT, pool_prices={"a": 0.2, "b": 0.3}, **trouble)
        assert (better.action, better.pool_id) == ("switch_to_spot", "b")
        none_better = decided(ON_SPOT, pool_prices={"a": 0.2}, **trouble)
        assert (none_better.action, none_better.pool_id, none_better.risk) == ("switch_to_ondemand", None, 0.0)
        assert none_better.savings == 0.0

    @pytest.mark.parametrize(
        ("limits", "known", "why"),
        [
            ({"auto_switch_enabled": False}, {}, "automatic switching is off"),
            ({}, {"recent_switches": 10}, "10 of 10 switches this week are used"),
            ({}, {"last_switch_at": NOW - timedelta(minutes=119)}, "the last switch is less than 2 hours ago"),
        ],
    )
    def test_what_is_held_back_is_still_recommended(self, limits: Any, known: Any, why: str) -> None:
        decision = decided(ON_DEMAND, limits, pool_prices={"a": 0.3}, **known)
        assert (decision.action, decision.allowed) == ("switch_to_spot", False)
        assert decision.reason == f"Pool a saves 70.0%; held back: {why}"

    def test_after_the_pause_it_may_switch_again(self) -> None:
        earlier = NOW - timedelta(hours=2)
        assert decided(ON_DEMAND, pool_prices={"a": 0.3}, recent_switches=9, last_switch_at=earlier).allowed


SITUATION = {
    "instance": {"instance_id": "i-1", "current_mode": "ondemand", "current_pool_id": None},
    "pricing": {
        "on_demand_price": 0.0416,
        "current_spot_price": 0.0125,
        "spot_pools": [{"pool_id": "pool-a", "az": "a", "price": 0.0125}, {"pool_id": "pool-b", "price": 0.0119}],
    },
}


def interrupt(spot: Spot, pool_id: str, times: int, days_ago: int = 1) -> None:
    for _ in range(times):
        spot.sql(
            "INSERT INTO spot_interruption_events (instance_id, agent_id, pool_id, signal_type, detected_at,"
            " response_action) VALUES ('i', 'a', ?, 'termination-notice', datetime('now', ?), 'no-action')",
            pool_id,
            f"-{days_ago} days",
        )


class TestDecide:
    def test_a_decision_is_made_and_kept(self, spot: Spot) -> None:
        answer = spot.post("decide", SITUATION)
        assert answer.status_code == 200
        assert answer.json == {
            "allowed": True,
            "expected_savings_per_hour": pytest.approx(0.0297),
            "instance_id": "i-1",
            "reason": "Pool pool-b saves 71.4%",
            "recommended_action": "switch_to_spot",
            "recommended_mode": "spot",
            "recommended_pool_id": "pool-b",
            "risk_score": 0.0,
        }
        score = spot.one("SELECT * FROM risk_scores")
        assert (score["recommended_action"], score["allowed"], score["agent_id"]) == (
            "switch_to_spot",
            1,
            spot.agent_id,
        )
        kept = spot.one("SELECT * FROM agent_decision_history")
        assert (kept["decision_type"], kept["current_mode"], kept["current_price"]) == (
            "switch_to_spot",
            "ondemand",
            0.0125,
        )
        run = spot.one("SELECT * FROM decision_engine_log")
        assert json.loads(run["input_data"]) == SITUATION
        assert json.loads(run["output_decision"])["recommended_pool_id"] == "pool-b"

    def test_interruptions_of_the_last_month_count(self, spot: Spot) -> None:
        interrupt(spot, "pool-b", 12)
        interrupt(spot, "pool-a", 12, days_ago=31)
        interrupt(spot, "pool-a", 3)
        answer = spot.post("decide", SITUATION)
        assert (answer.json["recommended_pool_id"], answer.json["risk_score"]) == ("pool-a", 0.1)

    def test_the_agents_own_limits_count(self, spot: Spot) -> None:
        spot.sql("UPDATE agent_configs SET min_savings_percent = 80")
        assert spot.post("decide", SITUATION).json["recommended_action"] == "stay"

    def test_the_switches_of_the_week_count(self, spot: Spot) -> None:
        spot.sql("UPDATE agent_configs SET max_switches_per_week = 1, min_pool_duration_hours = 0")
        for days in (1, 8):
            spot.sql(
                "INSERT INTO switches (client_id, agent_id, initiated_at) VALUES (?, ?, datetime('now', ?))",
                spot.client_id,
                spot.agent_id,
                f"-{days} days",
            )
        assert spot.post("decide", SITUATION).json["reason"].endswith("1 of 1 switches this week are used")

    @pytest.mark.parametrize("known", [False, True])
    def test_an_agent_that_is_disabled_or_unknown_stays(self, spot: Spot, known: bool) -> None:
        spot.sql("UPDATE agents SET enabled = 0")
        body = {"instance": {"instance_id": "i", "current_mode": "spot", "current_pool_id": "p"}, "pricing": {}}
        answer = spot.post("decide", body, spot.agent_id if known else "unknown")
        assert (answer.status_code, answer.json) == (
            200,
            {
                "allowed": False,
                "expected_savings_per_hour": 0.0,
                "instance_id": "i",
                "reason": "Agent disabled",
                "recommended_action": "stay",
                "recommended_mode": "spot",
                "recommended_pool_id": "p",
                "risk_score": 0.0,
            },
        )
        assert spot.sql("SELECT 1 FROM risk_scores") == spot.sql("SELECT 1 FROM agent_decision_history") == []

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            ({}, "'instance'"),
            ({"instance": {}}, "'pricing'"),
            (None, "'NoneType' object is not subscriptable"),
            ({"instance": [], "pricing": {}}, "'list' object has no attribute 'get'"),
            (
                {"instance": {"instance_id": "i" * 65}, "pricing": {}},
                "1406 (22001): Data too long for column 'instance_id' at row 1",
            ),
        ],
    )
    def test_what_it_cannot_decide_about(self, spot: Spot, body: Any, error: str) -> None:
        url = f"/api/agents/{spot.agent_id}/decide"
        answer = spot.http.post(url, data=json.dumps(body), headers=spot.headers, content_type="application/json")
        assert (answer.status_code, answer.json) == (500, {"error": error})

    def test_prices_that_are_none_are_unknown(self, spot: Spot) -> None:
        for pricing in ({}, None, [], {"on_demand_price": "abc"}, {"on_demand_price": 0, "spot_pools": None}):
            answer = spot.post("decide", {"instance": {}, "pricing": pricing})
            assert answer.json["reason"] == "No on-demand price to compare with"

    @pytest.mark.parametrize(
        "pools", ["x", {"a": 1}, [1, None], [{}, {"pool_id": ["p"], "price": 0.1}, {"pool_id": "p"}]]
    )
    def test_what_describes_no_pool_is_passed_over(self, spot: Spot, pools: Any) -> None:
        answer = spot.post("decide", {"instance": {}, "pricing": {"on_demand_price": 1.0, "spot_pools": pools}})
        assert (answer.status_code, answer.json["reason"]) == (200, "No pool is cheap and calm enough")


class TestRecommendation:
    @pytest.mark.parametrize(
        ("mode", "spot", "ondemand", "outcome"),
        [
            ("spot", 0.01, 0.0, ("stay_spot", None, 0.0, 0.0, 0.5, "Insufficient pricing data")),
            ("x", 0.0, 0.0, ("stay_ondemand", None, 0.0, 0.0, 0.5, "Insufficient pricing data")),
            ("spot", 0.9, 1.0, ("switch_to_ondemand", None, 0.6, 0.0, 0.7, "Spot price too high (10.0% savings only)")),
            (
                None,
                0.0,
                1.0,
                ("switch_to_spot", "p", 0.2, 1.0, 0.8, "Good savings opportunity (100.0% cheaper than on-demand)"),
            ),
            ("spot", 0.25, 1.0, ("stay_spot", "p", 0.3, 0.75, 0.6, "Current mode is optimal (75.0% savings)")),
            ("x", 0.75, 1.0, ("stay_ondemand", None, 0.3, 0.25, 0.6, "Current mode is optimal (25.0% savings)")),
        ],
    )
    def test_the_rules(self, mode: str | None, spot: float, ondemand: float, outcome: tuple[Any, ...]) -> None:
        assert tuple(vars(recommend(mode, "p", spot, ondemand)).values()) == outcome

    def pools(self, spot: Spot) -> None:
        for zone, price in (("a", 0.0125), ("b", 0.0131), ("c", 0.0119)):
            pool = f"t3.medium.us-east-1{zone}"
            place = ("t3.medium", "us-east-1", f"us-east-1{zone}")
            spot.sql("INSERT INTO spot_pools (id, instance_type, region, az) VALUES (?, ?, ?, ?)", pool, *place)
            for age, factor in ((0, 1), (600, 2)):
                spot.sql(
                    "INSERT INTO pricing_snapshots_clean (pool_id, instance_type, region, az, spot_price, time_bucket,"
                    " bucket_start, bucket_end, source_type)"
                    " VALUES (?, ?, ?, ?, ?, datetime('now', ?), '', '', 'primary')",
                    pool,
                    *place,
                    price * factor,
                    f"-{age} seconds",
                )

    def test_an_agent_in_a_pool_sees_the_others(self, bare: Spot) -> None:
        bare.agent_id = bare.register(mode="spot").json["agent_id"]
        self.pools(bare)
        assert bare.get("switch-recommendation").json == {
            "agent_id": bare.agent_id,
            "alternative_pools": [
                {
                    "az": "us-east-1c",
                    "id": "t3.medium.us-east-1c",
                    "name": "t3.medium (us-east-1c)",
                    "spot_price": 0.0119,
                },
                {
                    "az": "us-east-1b",
                    "id": "t3.medium.us-east-1b",
                    "name": "t3.medium (us-east-1b)",
                    "spot_price": 0.0131,
                },
            ],
            "auto_switch_enabled": 1,
            "confidence": 0.6,
            "current_pool": {"az": None, "id": "t3.medium.us-east-1a", "name": None},
            "decision_type": "stay_spot",
            "expected_savings": 0.02912,
            "reason": "Current mode is optimal (70.0% savings)",
            "recommended_pool_id": "t3.medium.us-east-1a",
            "risk_score": 0.3,
            "will_auto_execute": False,
        }

    def test_an_agent_in_no_pool_sees_none(self, spot: Spot) -> None:
        self.pools(spot)
        answer = spot.get("switch-recommendation").json
        assert (answer["alternative_pools"], answer["will_auto_execute"]) == ([], True)

    def test_nothing_is_executed_when_automatic_switching_is_off(self, spot: Spot) -> None:
        spot.sql("UPDATE agents SET auto_switch_enabled = 0")
        answer = spot.get("switch-recommendation")
        assert b'"auto_switch_enabled":0' in answer.data
        assert b'"will_auto_execute":0' in answer.data

    def test_an_agent_without_a_known_instance_is_unknown(self, spot: Spot) -> None:
        spot.sql("UPDATE agents SET instance_id = 'i-other'")
        answer = spot.get("switch-recommendation")
        assert (answer.status_code, answer.json) == (404, {"error": "Agent not found"})


class TestRebalance:
    @pytest.fixture
    def in_pool(self, bare: Spot) -> Spot:
        bare.agent_id = bare.register(mode="spot").json["agent_id"]
        for zone in "abc":
            bare.sql(
                "INSERT INTO spot_pools (id, instance_type, region, az) VALUES (?, 't3.medium', 'us-east-1', ?)",
                f"t3.medium.us-east-1{zone}",
                f"us-east-1{zone}",
            )
        return bare

    def test_a_calm_pool_is_watched(self, in_pool: Spot) -> None:
        interrupt(in_pool, "t3.medium.us-east-1a", 9)
        answer = in_pool.post("rebalance-recommendation", {"instance_id": "i-1", "detected_at": "2026-11-20T10:00:00Z"})
        assert (answer.status_code, answer.json) == (
            200,
            {
                "action": "monitor",
                "reason": "Risk is acceptable (30.00%), continuing to monitor",
                "risk_score": 0.3,
                "success": True,
            },
        )
        signal = in_pool.one("SELECT * FROM termination_events")
        assert (signal["event_type"], signal["status"]) == ("rebalance_recommendation", "detected")
        assert signal["detected_at"] == "2026-11-20 10:00:00"
        assert in_pool.agent()["last_rebalance_recommendation_at"] is not None

    def test_a_risky_pool_is_left_for_the_calmest(self, in_pool: Spot) -> None:
        interrupt(in_pool, "t3.medium.us-east-1a", 40)
        interrupt(in_pool, "t3.medium.us-east-1c", 1)
        assert in_pool.post("rebalance-recommendation", {"instance_id": "i-1"}).json == {
            "action": "switch",
            "reason": "Current pool has elevated interruption risk (100.00%)",
            "risk_score": 1.0,
            "success": True,
            "target_mode": "spot",
            "target_pool_id": "t3.medium.us-east-1b",
            "target_pool_name": "t3.medium (us-east-1b)",
        }
        event = in_pool.one("SELECT message FROM system_events WHERE event_type = 'rebalance_recommendation'")
        assert event["message"] == "Rebalance recommendation for i-1. Risk: 100.00%. Action: switch"

    def test_of_equally_calm_pools_the_first_zone_is_taken(self, in_pool: Spot) -> None:
        interrupt(in_pool, "t3.medium.us-east-1a", 40)
        answer = in_pool.post("rebalance-recommendation", {"instance_id": "i-1"}).json
        assert answer["target_pool_id"] == "t3.medium.us-east-1b"

    def test_without_another_pool_it_is_watched(self, in_pool: Spot) -> None:
        interrupt(in_pool, "t3.medium.us-east-1a", 40)
        in_pool.sql("UPDATE spot_pools SET is_active = 0")
        answer = in_pool.post("rebalance-recommendation", {"instance_id": "i-1"}).json
        assert (answer["action"], answer["risk_score"]) == ("monitor", 1.0)
        assert "target_pool_id" not in answer

    def test_the_instance_is_needed(self, spot: Spot) -> None:
        answer = spot.post("rebalance-recommendation", {})
        error = "1048 (23000): Column 'instance_id' cannot be null"
        assert (answer.status_code, answer.json) == (500, {"error": error})
