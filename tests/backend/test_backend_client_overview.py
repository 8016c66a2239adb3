"""What a client sees of itself: whose token it is, its numbers, instances, replicas, savings and switches."""

from __future__ import annotations

from typing import Any

import pytest

from tests.backend.conftest import Spot
from tests.backend.looking_back import ago, in_answers

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October")


def read(spot: Spot, what: str = "", client_id: str | None = None) -> Any:
    response = spot.http.get(f"/api/client/{client_id or spot.client_id}{what}")
    assert response.status_code == 200, response.text
    return response.json


def add_instance(spot: Spot, name: str, **values: Any) -> None:
    row = {
        "id": name,
        "client_id": spot.client_id,
        "instance_type": "t3.medium",
        "region": "us-east-1",
        "az": "us-east-1a",
        "current_mode": "spot",
        **values,
    }
    insert(spot, "instances", row)


def insert(spot: Spot, table: str, row: dict[str, Any]) -> None:
    spot.sql(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", *row.values())


def add_switch(spot: Spot, name: str, **values: Any) -> None:
    row = {"id": name, "client_id": spot.client_id, "agent_id": spot.agent_id, "timestamp": ago(minutes=1), **values}
    insert(spot, "switches", row)


def add_month(spot: Spot, year: int, month: int, cost: float) -> None:
    insert(
        spot,
        "client_savings_monthly",
        {
            "client_id": spot.client_id,
            "year": year,
            "month": month,
            "baseline_cost": cost * 2,
            "actual_cost": cost,
            "savings": cost,
        },
    )


class TestValidate:
    def ask(self, spot: Spot, **headers: str) -> tuple[int, Any]:
        response = spot.http.get("/api/client/validate", headers=headers)
        return response.status_code, response.json

    def test_a_token_tells_whose_it_is(self, spot: Spot) -> None:
        status, answer = self.ask(spot, **spot.headers)
        assert status == 200
        assert answer == {"valid": True, "client_id": "client-1", "name": "client-1", "email": "client-1@example.com"}

    @pytest.mark.parametrize("header", [None, "token-of-the-client", "bearer token-of-the-client", "Bearer"])
    def test_a_header_without_a_bearer_token_is_refused(self, spot: Spot, header: str | None) -> None:
        headers = {} if header is None else {"Authorization": header}
        missing = {"valid": False, "error": "Missing or invalid Authorization header"}
        assert self.ask(spot, **headers) == (401, missing)

    def test_an_empty_token_is_refused(self, spot: Spot) -> None:
        assert self.ask(spot, Authorization="Bearer  ") == (401, {"valid": False, "error": "Token is empty"})

    def test_an_unknown_token_is_refused(self, spot: Spot) -> None:
        refusal = {"valid": False, "error": "Invalid token"}
        assert self.ask(spot, Authorization="Bearer nobody's") == (401, refusal)
        assert spot.sql("SELECT * FROM system_events WHERE event_type = 'auth_failed'") == []

    @pytest.mark.parametrize("change", ["is_active = 0", "status = 'suspended'"])
    def test_a_client_that_is_not_active_is_refused(self, spot: Spot, change: str) -> None:
        spot.sql(f"UPDATE clients SET {change}")
        refusal = {"valid": False, "error": "Client account is not active"}
        assert self.ask(spot, **spot.headers) == (403, refusal)

    def test_trouble_with_the_database_is_not_told(self, spot: Spot) -> None:
        spot.sql("ALTER TABLE clients RENAME TO customers")
        assert self.ask(spot, **spot.headers) == (500, {"valid": False, "error": "Internal server error"})


class TestNumbers:
    def test_a_client_is_counted(self, spot: Spot) -> None:
        spot.register(logical_agent_id="second", instance_id="i-2")
        spot.sql("UPDATE agents SET status = 'deleted' WHERE logical_agent_id = 'second'")
        add_instance(spot, "i-gone", is_active=0)
        spot.add_client("another", "another")
        spot.sql("UPDATE clients SET total_savings = 1.44 WHERE id = ?", spot.client_id)
        assert read(spot) == {
            "id": "client-1",
            "name": "client-1",
            "status": "active",
            "agentsTotal": 2,
            "agentsOnline": 1,
            "instances": 2,
            "totalSavings": 1.44,
            "lastSync": None,
        }

    def test_whether_it_is_active_is_its_status(self, spot: Spot) -> None:
        spot.sql("UPDATE clients SET is_active = 0")
        assert read(spot)["status"] == "inactive"

    def test_an_unknown_client_is_not_found(self, spot: Spot) -> None:
        response = spot.http.get("/api/client/nobody")
        assert (response.status_code, response.json) == (404, {"error": "Client not found"})


class TestInstances:
    @pytest.fixture
    def several(self, spot: Spot) -> Spot:
        spot.sql("UPDATE instances SET created_at = ?", ago(days=9))
        add_instance(spot, "i-spot", created_at=ago(days=2), spot_price=0.0119, current_pool_id="pool")
        add_instance(spot, "i-gone", created_at=ago(days=1), is_active=0, instance_type="M5.large")
        add_instance(spot, "i-empty", created_at=ago(days=3), current_mode="", last_switch_at="2026-01-02 03:04:05")
        return spot

    def test_the_newest_comes_first(self, several: Spot) -> None:
        listed = read(several, "/instances")
        assert [instance["id"] for instance in listed] == ["i-gone", "i-spot", "i-empty", "i-1"]
        assert listed[1] == {
            "id": "i-spot",
            "type": "t3.medium",
            "region": "us-east-1",
            "az": "us-east-1a",
            "mode": "spot",
            "poolId": "pool",
            "spotPrice": 0.0119,
            "onDemandPrice": 0.0,
            "isActive": 1,
            "lastSwitch": None,
        }
        assert (listed[2]["poolId"], listed[2]["lastSwitch"]) == ("n/a", "2026-01-02T03:04:05")

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("status=active", ["i-spot", "i-empty", "i-1"]),
            ("status=terminated", ["i-gone"]),
            ("status=bogus", ["i-gone", "i-spot", "i-empty", "i-1"]),
            ("mode=ondemand", ["i-1"]),
            ("mode=SPOT", ["i-gone", "i-spot"]),
            ("mode=all", ["i-gone", "i-spot", "i-empty", "i-1"]),
            ("mode=", ["i-empty"]),
            ("search=spot", ["i-spot"]),
            ("search=m5", ["i-gone"]),
            ("search=i%25e", ["i-gone", "i-empty"]),
            ("search=", ["i-gone", "i-spot", "i-empty", "i-1"]),
            ("search=%5C", []),
            ("status=active&mode=spot&search=i-", ["i-spot"]),
        ],
    )
    def test_a_query_chooses(self, several: Spot, query: str, expected: list[str]) -> None:
        assert [instance["id"] for instance in read(several, f"/instances?{query}")] == expected

    def test_an_unknown_client_has_none(self, spot: Spot) -> None:
        assert read(spot, "/instances", "nobody") == []


class TestReplicas:
    def add(self, spot: Spot, name: str, **values: Any) -> None:
        row = {"id": name, "agent_id": spot.agent_id, "instance_id": f"i-{name}", "replica_type": "manual", **values}
        insert(spot, "replica_instances", row)

    def test_a_replica_stands_beside_its_primary(self, spot: Spot) -> None:
        insert(
            spot,
            "spot_pools",
            {"id": "p1", "pool_name": "Pool 1", "instance_type": "t3.medium", "region": "us-east-1", "az": "b"},
        )
        spot.sql("UPDATE instances SET az = 'us-east-1z', current_mode = 'spot'")
        made = ago(hours=1)
        self.add(spot, "r1", pool_id="p1", status="ready", hourly_cost=0.0119, created_at=made, sync_latency_ms=7)
        self.add(spot, "r2", pool_id="gone", hourly_cost=0, created_at=ago(hours=2), state_transfer_progress=12.5)
        self.add(spot, "r3", created_at=ago(hours=3))
        first, second, third = read(spot, "/replicas")
        assert first["agentId"] == spot.agent_id
        assert first["primary"] == {
            "instanceId": "i-1",
            "instanceType": "t3.medium",
            "region": "us-east-1",
            "az": "us-east-1z",
            "mode": "spot",
        }
        assert first["replica"] == {
            "id": "r1",
            "instanceId": "i-r1",
            "type": "manual",
            "status": "ready",
            "sync_status": "initializing",
            "sync_latency_ms": 7,
            "state_transfer_progress": 0.0,
            "pool": {
                "id": "p1",
                "name": "Pool 1",
                "instance_type": "t3.medium",
                "region": "us-east-1",
                "az": "b",
            },
            "cost": {"hourly": 0.0119, "total": 0.0},
            "created_by": None,
            "created_at": in_answers(made),
            "ready_at": None,
            "terminated_at": None,
            "is_active": True,
        }
        unknown = {"id": "gone", "name": None, "instance_type": None, "region": None, "az": None}
        assert second["replica"]["pool"] == unknown
        assert second["replica"]["cost"]["hourly"] is None
        assert second["replica"]["state_transfer_progress"] == 12.5
        assert third["replica"]["pool"] is None

    @pytest.mark.parametrize("gone", [{"status": "terminated"}, {"status": "promoted"}, {"is_active": 0}])
    def test_those_that_no_longer_stand_by_are_left_out(self, spot: Spot, gone: dict[str, Any]) -> None:
        self.add(spot, "r1", **gone)
        assert read(spot, "/replicas") == []


class TestSavings:
    def test_the_last_twelve_months_come_in_the_order_of_time(self, spot: Spot) -> None:
        for month in range(1, 13):
            add_month(spot, 2025, month, 0.1 * month)
        add_month(spot, 2026, 2, 51.111)
        add_month(spot, 2026, 1, 40.0)
        listed = read(spot, "/savings")
        assert [month["name"] for month in listed] == [*MONTHS[2:], "November", "December", "January", "February"]
        assert listed[-1] == {"name": "February", "onDemandCost": 102.222, "modelCost": 51.111, "savings": 51.111}
        assert read(spot, "/savings?range=monthly") == listed

    @pytest.mark.parametrize("other", ["daily", ""])
    def test_there_is_no_other_range(self, spot: Spot, other: str) -> None:
        add_month(spot, 2026, 1, 1.0)
        assert read(spot, f"/savings?range={other}") == []


class TestSwitchHistory:
    def test_a_switch_is_told(self, spot: Spot) -> None:
        launched = ago(hours=2)
        add_switch(
            spot,
            "s1",
            old_instance_id="i-1",
            new_instance_id="i-2",
            old_mode="ondemand",
            new_mode="spot",
            new_pool_id="p1",
            on_demand_price=0.0416,
            new_spot_price=0.0119,
            savings_impact=0.0297,
            event_trigger="model",
            initiated_at=ago(hours=3),
            instance_launched_at=launched,
        )
        assert read(spot, "/switch-history") == [
            {
                "id": "s1",
                "oldInstanceId": "i-1",
                "newInstanceId": "i-2",
                "timestamp": in_answers(launched),
                "fromMode": "ondemand",
                "toMode": "spot",
                "fromPool": "n/a",
                "toPool": "p1",
                "trigger": "model",
                "price": 0.0119,
                "savingsImpact": 0.0297,
            }
        ]

    def test_the_price_is_that_of_the_new_mode(self, spot: Spot) -> None:
        add_switch(spot, "s1", new_mode="ondemand", on_demand_price=0.0416, new_spot_price=0.0119)
        add_switch(spot, "s2", new_mode="spot", on_demand_price=0.0416)
        listed = {switch["id"]: switch for switch in read(spot, "/switch-history")}
        assert (listed["s1"]["price"], listed["s2"]["price"]) == (0.0416, 0.0)
        assert (listed["s1"]["trigger"], listed["s1"]["savingsImpact"]) == ("manual", 0.0)

    def test_a_switch_without_times_has_that_of_its_report(self, spot: Spot) -> None:
        reported = ago(days=5)
        add_switch(spot, "s1", timestamp=reported)
        assert [switch["timestamp"] for switch in read(spot, "/switch-history")] == [in_answers(reported)]

    def test_the_newest_come_first_and_those_of_unknown_beginning_last(self, spot: Spot) -> None:
        add_switch(spot, "unknown-older", timestamp=ago(days=2))
        add_switch(spot, "older", initiated_at=ago(days=9))
        add_switch(spot, "unknown-newer", timestamp=ago(days=1))
        add_switch(spot, "newer", initiated_at=ago(days=8))
        order = [switch["id"] for switch in read(spot, "/switch-history")]
        assert order == ["newer", "older", "unknown-newer", "unknown-older"]

    def test_one_instance_can_be_asked_for(self, spot: Spot) -> None:
        add_switch(spot, "to", new_instance_id="i-9", initiated_at=ago(days=1))
        add_switch(spot, "from", old_instance_id="i-9", initiated_at=ago(days=2))
        add_switch(spot, "other", old_instance_id="i-8", new_instance_id="i-7")
        listed = read(spot, "/switch-history?instance_id=i-9")
        assert [switch["id"] for switch in listed] == ["to", "from"]
        assert len(read(spot, "/switch-history?instance_id=")) == 3

    def test_at_most_a_hundred_are_listed(self, spot: Spot) -> None:
        for number in range(101):
            add_switch(spot, f"s{number}", initiated_at=ago(minutes=number))
        listed = [switch["id"] for switch in read(spot, "/switch-history")]
        assert (len(listed), listed[0], "s100" in listed) == (100, "s0", False)


class TestCharts:
    def test_months_stand_in_the_order_of_time(self, spot: Spot) -> None:
        for month in range(1, 13):
            add_month(spot, 2025, month, month)
        add_month(spot, 2026, 1, 99)
        trend = read(spot, "/stats/charts")["savingsTrend"]
        assert [month["month"] for month in trend] == [*MONTHS[1:], "November", "December", "January"]
        assert trend[-1] == {"month": "January", "baseline": 198.0, "actual": 99.0, "savings": 99.0}

    def test_modes_are_those_of_active_instances(self, spot: Spot) -> None:
        add_instance(spot, "i-2")
        add_instance(spot, "i-3")
        add_instance(spot, "i-4", is_active=0)
        modes = read(spot, "/stats/charts")["modeDistribution"]
        assert modes == [{"mode": "ondemand", "count": 1}, {"mode": "spot", "count": 2}]

    def test_switches_are_counted_by_the_day_they_began_on(self, spot: Spot) -> None:
        two_days, one_day = ago(days=2), ago(days=1)
        add_switch(spot, "s1", initiated_at=one_day)
        add_switch(spot, "s2", initiated_at=two_days)
        add_switch(spot, "s3", initiated_at=f"{two_days[:10]} 00:00:00")
        add_switch(spot, "s4", initiated_at=ago(days=31))
        add_switch(spot, "s5")
        frequency = read(spot, "/stats/charts")["switchFrequency"]
        assert frequency == [{"date": two_days[:10], "switches": 2}, {"date": one_day[:10], "switches": 1}]

    def test_an_unknown_client_has_empty_charts(self, spot: Spot) -> None:
        empty: dict[str, list[Any]] = {"savingsTrend": [], "modeDistribution": [], "switchFrequency": []}
        assert read(spot, "/stats/charts", "nobody") == empty
