"""Pricing reports and switch reports."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from tests.backend.conftest import Spot

POOLS = [{"pool_id": f"t3.medium.us-east-1{zone}", "az": f"us-east-1{zone}", "price": 0.0125} for zone in "abc"]
PRICING = {
    "instance": {
        "instance_id": "i-1",
        "instance_type": "t3.medium",
        "region": "us-east-1",
        "az": "us-east-1a",
        "mode": "spot",
        "pool_id": "t3.medium.us-east-1a",
    },
    "pricing": {
        "on_demand_price": 0.0416,
        "current_spot_price": 0.0125,
        "cheapest_pool": {"pool_id": "t3.medium.us-east-1c", "price": 0.0119},
        "spot_pools": POOLS,
        "collected_at": "2026-11-21T03:12:00.272826+00:00",
    },
}
SWITCH = {
    "old_instance": {"instance_id": "i-1", "instance_type": "t3.medium", "region": "r", "az": "a", "mode": "ondemand"},
    "new_instance": {
        "instance_id": "i-2",
        "instance_type": "t3.medium",
        "region": "r",
        "az": "c",
        "ami_id": "ami-1",
        "mode": "spot",
        "pool_id": "p",
    },
    "pricing": {"on_demand": 0.0416, "old_spot": None, "new_spot": 0.0119},
    "timing": {
        "initiated_at": "2026-11-21T03:10:02.074686+00:00",
        "ami_created_at": None,
        "instance_launched_at": "2026-11-21T03:10:32.074706+00:00",
        "instance_ready_at": "2026-11-21T04:11:02+01:00",
        "old_terminated_at": "2026-11-21T03:11:57Z",
    },
    "trigger": "manual",
}


def changed(body: dict[str, Any], part: str, **changes: Any) -> dict[str, Any]:
    copy = deepcopy(body)
    copy[part] |= changes
    return copy


def rows(spot: Spot, table: str) -> int:
    return spot.one(f"SELECT COUNT(*) AS n FROM {table}")["n"]


class TestPricing:
    def test_a_report_is_stored_everywhere(self, spot: Spot) -> None:
        assert spot.post("pricing-report", PRICING).json == {"success": True}
        instance = spot.one("SELECT spot_price, ondemand_price FROM instances")
        assert instance == {"spot_price": 0.0125, "ondemand_price": 0.0416}
        report = spot.one("SELECT * FROM pricing_reports")
        assert (report["collected_at"], report["cheapest_pool_price"]) == ("2026-11-21 03:12:00", 0.0119)
        assert (report["current_mode"], report["current_pool_id"]) == ("spot", "t3.medium.us-east-1a")
        assert json.loads(report["spot_pools"]) == POOLS
        assert rows(spot, "spot_price_snapshots") == 3
        assert spot.one("SELECT region, price FROM ondemand_price_snapshots") == {
            "region": "us-east-1",
            "price": 0.0416,
        }
        names = [pool["pool_name"] for pool in spot.sql("SELECT pool_name FROM spot_pools ORDER BY id")]
        assert names == [f"t3.medium (us-east-1{zone})" for zone in "abc"]

    def test_known_pools_are_refreshed(self, spot: Spot) -> None:
        spot.post("pricing-report", PRICING)
        spot.sql("UPDATE spot_pools SET updated_at = '2020-01-01 00:00:00', is_active = 0")
        assert spot.post("pricing-report", PRICING).status_code == 200
        pools = spot.sql("SELECT is_active, updated_at > '2021' AS fresh FROM spot_pools")
        assert pools == [{"is_active": 0, "fresh": 1}] * 3

    @pytest.mark.parametrize("body", [{}, {"instance": {}, "pricing": {}}])
    def test_an_empty_report_is_stored(self, spot: Spot, body: dict[str, Any]) -> None:
        assert spot.post("pricing-report", body).status_code == 200
        assert spot.one("SELECT instance_id, spot_pools FROM pricing_reports") == {
            "instance_id": None,
            "spot_pools": "[]",
        }

    def test_an_older_agents_report_clears_the_prices(self, spot: Spot) -> None:
        body = {"instance": {"instance_id": "i-1"}, "on_demand_price": {"price": 1}, "spot_pools": POOLS}
        assert spot.post("pricing-report", body).status_code == 200
        assert spot.one("SELECT ondemand_price FROM instances") == {"ondemand_price": None}

    def test_another_clients_instance_is_left_alone(self, spot: Spot) -> None:
        spot.add_client("client-2", "token-2")
        spot.headers = {"Authorization": "token-2"}
        assert spot.post("pricing-report", PRICING).status_code == 200
        assert spot.one("SELECT spot_price FROM instances") == {"spot_price": 0}
        assert rows(spot, "pricing_reports") == 1

    @pytest.mark.parametrize(
        ("collected_at", "stored"),
        [
            ("2026-11-20T10:00:00Z", "2026-11-20 10:00:00"),
            ("2026-11-20T10:00:00.9", "2026-11-20 10:00:00"),
            ("2026-11-20 10:00:00", "2026-11-20 10:00:00"),
            ("2026-11-20T10:00:00-05:00", "2026-11-20 15:00:00"),
            (None, None),
        ],
    )
    def test_forms_of_time(self, spot: Spot, collected_at: str | None, stored: str | None) -> None:
        answer = spot.post("pricing-report", changed(PRICING, "pricing", collected_at=collected_at))
        assert answer.status_code == 200
        assert spot.one("SELECT collected_at FROM pricing_reports") == {"collected_at": stored}

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            (None, "'NoneType' object has no attribute 'get'"),
            ({"instance": None, "pricing": None}, "'NoneType' object has no attribute 'get'"),
            (
                changed(PRICING, "pricing", collected_at="yesterday"),
                "1292 (22007): Incorrect datetime value: 'yesterday'",
            ),
            (changed(PRICING, "pricing", collected_at="2026-13-40"), "1292 (22007): Incorrect datetime value"),
            (
                changed(PRICING, "pricing", on_demand_price="abc"),
                "1366 (22007): Incorrect decimal value: 'abc' for column",
            ),
            (
                changed(PRICING, "pricing", on_demand_price=99999.5),
                "1264 (22003): Out of range value for column 'ondemand_price' at row 1",
            ),
            (changed(PRICING, "pricing", on_demand_price={"price": 1}), "Python type dict cannot be converted"),
            (changed(PRICING, "instance", region="r" * 51), "1406 (22001): Data too long for column 'region' at row 1"),
        ],
    )
    def test_what_leaves_no_report(self, spot: Spot, body: Any, error: str) -> None:
        url = f"/api/agents/{spot.agent_id}/pricing-report"
        answer = spot.http.post(url, data=json.dumps(body), headers=spot.headers, content_type="application/json")
        assert answer.status_code == 500
        assert answer.json["error"].startswith(error)
        assert rows(spot, "pricing_reports") == 0

    @pytest.mark.parametrize(
        ("pool", "error"),
        [
            ({"az": "z", "price": 1}, "'pool_id'"),
            ({"pool_id": "p", "price": 1}, "'az'"),
            ({"pool_id": "p", "az": "z"}, "'price'"),
            ({"pool_id": "p", "az": "us-east-1a", "price": 1}, "1452 (23000): Cannot add or update a child row"),
            ({"pool_id": "p", "az": "z", "price": None}, "1048 (23000): Column 'price' cannot be null"),
        ],
    )
    def test_a_bad_pool_leaves_nothing_of_the_report(self, spot: Spot, pool: dict[str, Any], error: str) -> None:
        answer = spot.post("pricing-report", changed(PRICING, "pricing", spot_pools=[POOLS[0], pool, POOLS[1]]))
        assert answer.status_code == 500
        assert answer.json["error"].startswith(error)
        tables = ("pricing_reports", "spot_price_snapshots", "ondemand_price_snapshots", "spot_pools")
        assert [rows(spot, table) for table in tables] == [0, 0, 0, 0]

    def test_an_unknown_agent_changes_no_price(self, spot: Spot) -> None:
        answer = spot.post("pricing-report", PRICING, "unknown")
        assert answer.status_code == 500
        assert "CONSTRAINT `fk_pricing_reports_agent` FOREIGN KEY (`agent_id`)" in answer.json["error"]
        assert spot.one("SELECT spot_price FROM instances") != {"spot_price": 0.0125}


class TestSwitch:
    def test_a_switch_moves_agent_and_instances(self, spot: Spot) -> None:
        assert spot.post("switch-report", SWITCH).json == {"success": True}
        switch = spot.one("SELECT * FROM switches")
        assert (switch["old_instance_id"], switch["new_instance_id"], switch["new_pool_id"]) == ("i-1", "i-2", "p")
        assert (switch["initiated_at"], switch["instance_ready_at"]) == ("2026-11-21 03:10:02", "2026-11-21 03:11:02")
        assert (switch["savings_impact"], switch["event_trigger"], switch["trigger_type"]) == (
            0.0297,
            "manual",
            "manual",
        )
        assert json.loads(switch["timing_data"]) == SWITCH["timing"]
        old, new = spot.sql("SELECT * FROM instances ORDER BY id")
        assert (old["is_active"], old["terminated_at"]) == (0, "2026-11-21 03:11:57")
        assert (new["is_active"], new["spot_price"], new["installed_at"]) == (1, 0.0119, "2026-11-21 03:10:32")
        assert new["baseline_ondemand_price"] is None
        agent = spot.agent()
        assert (agent["instance_id"], agent["current_mode"], agent["current_pool_id"]) == ("i-2", "spot", "p")
        assert spot.one("SELECT total_savings FROM clients") == {"total_savings": 0.7128}
        told = spot.sql("SELECT message FROM notifications WHERE message LIKE 'Instance%'")
        assert told == [{"message": "Instance switched: i-2 - Saved $0.0297/hr"}]
        event = spot.one("SELECT message, metadata FROM system_events WHERE event_type = 'switch_completed'")
        assert event["message"] == "Switch from i-1 to i-2"
        assert json.loads(event["metadata"])["savings_impact"] == pytest.approx(0.0297)

    def test_a_switch_back_costs_and_revives_the_instance(self, spot: Spot) -> None:
        spot.post("switch-report", SWITCH)
        back = {
            **SWITCH,
            "old_instance": SWITCH["new_instance"],
            "new_instance": SWITCH["old_instance"],
            "pricing": {"on_demand": 0.0416, "old_spot": 0.0119, "new_spot": None},
        }
        assert spot.post("switch-report", back).status_code == 200
        assert spot.one("SELECT is_active FROM instances WHERE id = 'i-1'") == {"is_active": 1}
        assert spot.one("SELECT total_savings FROM clients") == {"total_savings": 0.7128}
        assert spot.sql("SELECT 1 FROM notifications WHERE message = 'Instance switched: i-1 - Saved $-0.0297/hr'")

    def test_the_old_instance_stays_without_automatic_termination(self, spot: Spot) -> None:
        spot.sql("UPDATE agents SET auto_terminate_enabled = 0")
        spot.post("switch-report", SWITCH)
        assert spot.one("SELECT is_active FROM instances WHERE id = 'i-1'") == {"is_active": 1}

    def test_a_report_in_the_agents_own_words(self, spot: Spot) -> None:
        body = {
            **{name: value for name, value in SWITCH.items() if name != "pricing"},
            "prices": {"on_demand": 0.0416, "new_spot": 0.0119},
            "timing": {
                "switch_initiated_at": "2026-11-21T03:10:02Z",
                "new_instance_launched_at": "2026-11-21T03:10:32Z",
                "new_instance_ready_at": "2026-11-21T03:11:02Z",
                "traffic_switched_at": "2026-11-21T03:11:10Z",
                "old_instance_terminated_at": "2026-11-21T03:11:57Z",
                "ami_created_at": "2026-11-21T03:09:00Z",
            },
            "snapshot": {"used": False},
        }
        assert spot.post("switch-report", body).status_code == 200
        switch = spot.one("SELECT * FROM switches")
        assert (switch["savings_impact"], switch["new_spot_price"]) == (0.0297, 0.0119)
        assert (switch["initiated_at"], switch["ami_created_at"]) == ("2026-11-21 03:10:02", "2026-11-21 03:09:00")
        assert (switch["instance_launched_at"], switch["instance_ready_at"]) == (
            "2026-11-21 03:10:32",
            "2026-11-21 03:11:02",
        )
        assert switch["old_terminated_at"] == "2026-11-21 03:11:57"
        assert spot.one("SELECT is_active FROM instances WHERE id = 'i-1'") == {"is_active": 0}

    @pytest.mark.parametrize("prices", [None, {}, {"on_demand": None, "new_spot": None}, "free"])
    def test_prices_an_agent_does_not_know(self, spot: Spot, prices: Any) -> None:
        body = {name: value for name, value in SWITCH.items() if name != "pricing"} | {"prices": prices}
        assert spot.post("switch-report", body).status_code == 200
        assert spot.sql("SELECT 1 FROM notifications WHERE message = 'Instance switched: i-2 - Saved $0.0000/hr'")

    def test_another_client_moves_the_agent_and_keeps_the_savings(self, spot: Spot) -> None:
        spot.add_client("client-2", "token-2")
        spot.headers = {"Authorization": "token-2"}
        assert spot.post("switch-report", SWITCH).status_code == 200
        assert spot.agent()["instance_id"] == "i-2"
        assert spot.one("SELECT total_savings FROM clients WHERE id = 'client-2'") == {"total_savings": 0.7128}
        assert spot.one("SELECT is_active FROM instances WHERE id = 'i-1'") == {"is_active": 1}

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            ({}, "1048 (23000): Column 'id' cannot be null"),
            ({"new_instance": {"instance_id": "i-2"}}, "1048 (23000): Column 'instance_type' cannot be null"),
            ({**SWITCH, "command_id": "unknown"}, "1452 (23000): Cannot add or update a child row"),
            ({**SWITCH, "trigger": "t" * 21}, "1406 (22001): Data too long for column 'event_trigger' at row 1"),
            (
                {**SWITCH, "pricing": {"on_demand": "1", "new_spot": "0.5"}},
                "unsupported operand type(s) for -: 'str' and 'str'",
            ),
            (
                {**SWITCH, "pricing": {"on_demand": None}},
                "unsupported operand type(s) for -: 'NoneType' and 'NoneType'",
            ),
            (changed(SWITCH, "timing", initiated_at="soon"), "1292 (22007): Incorrect datetime value: 'soon'"),
        ],
    )
    def test_what_cannot_be_stored(self, spot: Spot, body: Any, error: str) -> None:
        answer = spot.post("switch-report", body)
        assert answer.status_code == 500
        assert answer.json["error"].startswith(error)
        assert rows(spot, "switches") == 0
        assert rows(spot, "instances") == 1

    def test_an_unknown_agent(self, spot: Spot) -> None:
        answer = spot.post("switch-report", {**SWITCH, "command_id": "unknown"}, "unknown")
        assert "CONSTRAINT `fk_switches_agent` FOREIGN KEY" in answer.json["error"]
