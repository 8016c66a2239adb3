"""What instances cost, have cost and would cost elsewhere; where they could be switched to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.backend.conftest import Spot
from tests.backend.looking_back import ago, now

A, B, RETIRED = "t3.medium.us-east-1a", "t3.medium.us-east-1b", "t3.medium.us-east-1f"
LAST_HOUR = now().replace(minute=0, second=0) - timedelta(hours=1)
YESTERDAY = now().replace(hour=5, minute=0, second=0) - timedelta(days=1)


def ask(spot: Spot, what: str, instance_id: str = "i-1") -> Any:
    response = spot.http.get(f"/api/client/instances/{instance_id}/{what}")
    assert response.status_code == 200, response.text
    return response.json


def ask_agents(spot: Spot, query: str = "") -> Any:
    return spot.http.get(f"/api/client/pricing-history{query}", headers=spot.headers)


def add_pool(spot: Spot, pool_id: str, name: str | None = None, *, active: int = 1) -> None:
    instance_type, _, az = pool_id.rpartition(".")
    spot.sql(
        "INSERT INTO spot_pools (id, pool_name, instance_type, region, az, is_active) VALUES (?, ?, ?, ?, ?, ?)",
        *(pool_id, name, instance_type, "us-east-1", az, active),
    )


def add_price(spot: Spot, pool_id: str, price: float, time: object) -> None:
    spot.sql(
        "INSERT INTO spot_price_snapshots (pool_id, price, captured_at) VALUES (?, ?, ?)", pool_id, price, str(time)
    )


def add_ondemand_price(spot: Spot, price: float, time: object) -> None:
    spot.sql(
        "INSERT INTO ondemand_price_snapshots (region, instance_type, price, captured_at) VALUES (?, ?, ?, ?)",
        *("us-east-1", "t3.medium", price, str(time)),
    )


def add_switch(spot: Spot, name: str, savings: float, initiated_at: str | None) -> None:
    spot.sql(
        "INSERT INTO switches (id, client_id, agent_id, new_instance_id, savings_impact, initiated_at)"
        " VALUES (?, ?, ?, 'i-1', ?, ?)",
        *(name, spot.client_id, spot.agent_id, savings, initiated_at),
    )


@pytest.fixture
def pools(spot: Spot) -> Spot:
    """The system with pools for the agent's instance, and one of another type."""
    for pool_id in (B, A, "m5.large.us-east-1a"):
        add_pool(spot, pool_id)
    add_pool(spot, RETIRED, "retired", active=0)
    return spot


class TestPricing:
    def test_the_cheapest_pool_comes_first_and_unpriced_ones_last(self, pools: Spot) -> None:
        add_price(pools, A, 0.0125, ago(minutes=50))
        add_price(pools, A, 0.0131, ago(minutes=5))
        add_price(pools, RETIRED, 0.0119, ago(minutes=59))
        add_price(pools, B, 0.0001, ago(minutes=61))
        assert ask(pools, "pricing") == {
            "currentMode": "ondemand",
            "currentPool": None,
            "onDemand": {"name": "On-Demand", "price": 0.0416},
            "pools": [
                {"id": RETIRED, "name": "retired", "az": "us-east-1f", "price": 0.0119, "savings": 71.39423076923077},
                {
                    "id": A,
                    "name": "t3.medium (us-east-1a)",
                    "az": "us-east-1a",
                    "price": 0.0131,
                    "savings": 68.50961538461539,
                },
                {"id": B, "name": "t3.medium (us-east-1b)", "az": "us-east-1b", "price": 0, "savings": 0},
            ],
        }

    def test_of_prices_of_one_second_the_last_counts(self, pools: Spot) -> None:
        time = ago(minutes=1)
        for price in (0.01, 0.03, 0.02):
            add_price(pools, A, price, time)
        assert ask(pools, "pricing")["pools"][0]["price"] == 0.02

    def test_the_current_pool_is_named(self, pools: Spot) -> None:
        pools.sql("UPDATE instances SET current_pool_id = ?, current_mode = 'spot', ondemand_price = NULL", A)
        answer = ask(pools, "pricing")
        assert answer["currentPool"] == {"id": A, "name": "t3.medium (us-east-1a)", "az": "us-east-1a"}
        assert (answer["currentMode"], answer["onDemand"]["price"]) == ("spot", 0.0)

    def test_a_pool_that_nobody_knows_any_more_is_named_by_its_id(self, pools: Spot) -> None:
        pools.sql("UPDATE instances SET current_pool_id = 'gone'")
        assert ask(pools, "pricing")["currentPool"] == {"id": "gone", "name": "Pool gone", "az": None}


class TestAvailableOptions:
    def test_pools_and_types_are_told_under_both_names(self, pools: Spot) -> None:
        add_price(pools, B, 0.0119, ago(minutes=5))
        answer = ask(pools, "available-options")
        assert answer["availablePools"] == [
            {"id": B, "az": "us-east-1b", "instanceType": "t3.medium", "price": 0.0119},
            {"id": A, "az": "us-east-1a", "instanceType": "t3.medium", "price": None},
        ]
        assert answer["availableTypes"] == ["m5.large", "t3.medium"]
        assert (answer["pools"], answer["instanceTypes"]) == (answer["availablePools"], answer["availableTypes"])
        here = (answer["currentType"], answer["currentRegion"], answer["currentAz"])
        assert here == ("t3.medium", "us-east-1", "us-east-1a")


class TestMetrics:
    def test_an_instance_in_figures(self, spot: Spot) -> None:
        spot.sql(
            "UPDATE instances SET current_mode = 'spot', current_pool_id = ?, spot_price = 0.0119, installed_at = ?,"
            " last_switch_at = ?",
            *(A, ago(hours=100, minutes=30), ago(hours=25, minutes=30)),
        )
        add_switch(spot, "s1", 0.0297, ago(days=6))
        add_switch(spot, "s2", -0.0006, ago(days=29))
        add_switch(spot, "s3", 0.1, ago(days=31))
        add_switch(spot, "s4", 0.1, None)
        assert ask(spot, "metrics") == {
            "id": "i-1",
            "instanceType": "t3.medium",
            "currentMode": "spot",
            "currentPoolId": A,
            "spotPrice": 0.0119,
            "onDemandPrice": 0.0416,
            "baselineOnDemandPrice": 0.0416,
            "uptimeHours": 100,
            "hoursSinceLastSwitch": 25,
            "totalSwitches": 4,
            "switchesLast7Days": 1,
            "switchesLast30Days": 2,
            "totalSavings": 5.4984,
            "savingsLast30Days": 0.6984,
        }

    def test_what_is_unknown_is_zero(self, spot: Spot) -> None:
        spot.sql(
            "UPDATE instances SET spot_price = NULL, ondemand_price = NULL, baseline_ondemand_price = NULL,"
            " installed_at = NULL"
        )
        answer = ask(spot, "metrics")
        unknown = {name for name, value in answer.items() if value == 0}
        assert unknown == set(answer) - {"id", "instanceType", "currentMode", "currentPoolId"}


class TestPriceHistory:
    def test_each_hour_has_its_averages(self, pools: Spot) -> None:
        add_price(pools, A, 0.01, LAST_HOUR)
        add_price(pools, A, 0.02, LAST_HOUR + timedelta(minutes=59, seconds=59))
        add_price(pools, B, 0.03, LAST_HOUR + timedelta(minutes=30))
        add_price(pools, B, 0.04, LAST_HOUR - timedelta(seconds=1))
        add_price(pools, "m5.large.us-east-1a", 9, LAST_HOUR)
        answer = ask(pools, "price-history?days=7&interval=hour")
        nobody = {f"pool_{RETIRED}": None, "onDemand": 0.0416}
        before = LAST_HOUR - timedelta(hours=1)
        assert answer["data"] == [
            {"time": f"{before:%Y-%m-%d %H}:00", f"pool_{A}": None, f"pool_{B}": 0.04, **nobody},
            {"time": f"{LAST_HOUR:%Y-%m-%d %H}:00", f"pool_{A}": 0.015, f"pool_{B}": 0.03, **nobody},
        ]
        assert answer["onDemandPrice"] == 0.0416
        assert [pool["key"] for pool in answer["pools"]] == [f"pool_{A}", f"pool_{B}", f"pool_{RETIRED}"]
        assert answer["pools"][2] == {"id": RETIRED, "name": "retired", "az": "us-east-1f", "key": f"pool_{RETIRED}"}

    def test_so_has_each_day(self, pools: Spot) -> None:
        add_price(pools, A, 0.01, YESTERDAY)
        add_price(pools, A, 0.03, YESTERDAY + timedelta(hours=18))
        (day,) = ask(pools, "price-history?interval=day")["data"]
        assert (day["time"], day[f"pool_{A}"]) == (f"{YESTERDAY:%Y-%m-%d}", 0.02)

    @pytest.mark.parametrize(
        ("query", "found"),
        [("", 1), ("?days=8", 2), ("?days=90", 3), ("?days=500", 3), ("?days=0", 0), ("?days=abc", 1), ("?days=", 1)],
    )
    def test_days_are_limited(self, pools: Spot, query: str, found: int) -> None:
        for days in (2, 7.5, 89, 91):
            add_price(pools, A, 0.01, ago(days=days))
        assert len(ask(pools, f"price-history{query}")["data"]) == found

    def test_without_prices_there_are_only_pools(self, pools: Spot) -> None:
        answer = ask(pools, "price-history")
        assert (answer["data"], len(answer["pools"])) == ([], 3)

    def test_without_pools_there_is_nothing(self, spot: Spot) -> None:
        assert ask(spot, "price-history") == []


class TestPricingHistory:
    def test_each_hour_has_its_averages(self, pools: Spot) -> None:
        add_price(pools, A, 0.01, LAST_HOUR)
        add_price(pools, A, 0.02, LAST_HOUR)
        add_price(pools, B, 0.03, LAST_HOUR)
        add_price(pools, B, 0.05, LAST_HOUR - timedelta(hours=3))
        add_ondemand_price(pools, 0.0417, LAST_HOUR)
        add_ondemand_price(pools, 0.0416, LAST_HOUR)
        then = f"{LAST_HOUR - timedelta(hours=3):%Y-%m-%d %H}:00:00"
        assert ask_agents(pools).json == {
            "agent_id": None,
            "instance_type": "t3.medium",
            "region": "us-east-1",
            "days": 7,
            "data_points": 2,
            "history": [
                {
                    "timestamp": then,
                    "ondemand_price": 0.04165,
                    "spot_pools": [{"pool_id": B, "az": "us-east-1b", "price": 0.05}],
                },
                {
                    "timestamp": f"{LAST_HOUR:%Y-%m-%d %H}:00:00",
                    "ondemand_price": 0.04165,
                    "spot_pools": [
                        {"pool_id": A, "az": "us-east-1a", "price": 0.015},
                        {"pool_id": B, "az": "us-east-1b", "price": 0.03},
                    ],
                },
            ],
        }

    def test_a_usual_price_stands_in_for_unknown_ones(self, pools: Spot) -> None:
        add_price(pools, A, 0.01, YESTERDAY)
        (day,) = ask_agents(pools, "?interval=day").json["history"]
        assert (day["timestamp"], day["ondemand_price"]) == (f"{YESTERDAY:%Y-%m-%d}", 0.0416)

    def test_the_online_agent_heard_of_last_is_meant(self, pools: Spot) -> None:
        for name, status, minutes in (("m5.large", "online", 1), ("c5.large", "offline", 0)):
            agent_id = pools.register(logical_agent_id=name, instance_id=f"i-{name}", instance_type=name).json[
                "agent_id"
            ]
            add_pool(pools, f"{name}.us-east-1c")
            pools.sql(
                "UPDATE agents SET status = ?, last_heartbeat_at = ? WHERE id = ?",
                status,
                ago(minutes=minutes),
                agent_id,
            )
        pools.sql("UPDATE agents SET last_heartbeat_at = ? WHERE id = ?", ago(minutes=2), pools.agent_id)
        assert ask_agents(pools).json["instance_type"] == "m5.large"
        named = ask_agents(pools, f"?agent_id={pools.agent_id}").json
        assert (named["agent_id"], named["instance_type"]) == (pools.agent_id, "t3.medium")
        assert ask_agents(pools, "?agent_id=").json["agent_id"] == ""

    def test_of_agents_heard_of_in_one_second_the_one_registered_first_is_meant(self, pools: Spot) -> None:
        for name in ("m5.large", "c5.large"):
            pools.register(logical_agent_id=name, instance_id=f"i-{name}", instance_type=name)
            add_pool(pools, f"{name}.us-east-1c")
        pools.sql("UPDATE agents SET last_heartbeat_at = ?, created_at = ?", ago(minutes=1), ago(hours=1))
        assert ask_agents(pools).json["instance_type"] == "t3.medium"
        pools.sql("UPDATE agents SET created_at = ? WHERE logical_agent_id = 'c5.large'", ago(hours=2))
        assert ask_agents(pools).json["instance_type"] == "c5.large"

    def test_there_may_be_nobody(self, pools: Spot) -> None:
        response = ask_agents(pools, "?agent_id=nobody")
        assert (response.status_code, response.json) == (404, {"error": "Agent not found"})
        pools.sql("UPDATE agents SET status = 'offline'")
        response = ask_agents(pools)
        assert (response.status_code, response.json) == (404, {"error": "No active agents found"})

    def test_agents_of_others_are_not_told_of(self, pools: Spot) -> None:
        pools.add_client("another", "another")
        pools.sql("UPDATE agents SET client_id = 'another'")
        assert ask_agents(pools, f"?agent_id={pools.agent_id}").status_code == 404

    def test_without_pools_there_is_little(self, spot: Spot) -> None:
        assert ask_agents(spot, "?days=500").json == {"data_points": 0, "days": 30, "history": []}

    def test_a_number_of_days_is_a_number(self, pools: Spot) -> None:
        response = ask_agents(pools, "?days=abc")
        assert (response.status_code, response.json) == (
            500,
            {"error": "invalid literal for int() with base 10: 'abc'"},
        )

    def test_a_token_is_needed(self, pools: Spot) -> None:
        url = "/api/client/pricing-history"
        assert pools.http.get(url).status_code == 415
        assert pools.http.get(url, headers={"Authorization": "nobody's"}).json == {"error": "Invalid client token"}


@pytest.mark.parametrize("what", ["pricing", "metrics", "price-history", "available-options"])
def test_an_unknown_instance_is_not_found(spot: Spot, what: str) -> None:
    response = spot.http.get(f"/api/client/instances/i-none/{what}")
    assert (response.status_code, response.json) == (404, {"error": "Instance not found"})
