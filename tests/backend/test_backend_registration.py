"""`POST /api/agents/register`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.backend.conftest import REGISTRATION, Spot

FRESH = {
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


def test_a_new_agent_is_stored_with_instance_config_notification_and_event(bare: Spot) -> None:
    answer = bare.register()
    assert answer.status_code == 200
    bare.agent_id = answer.json["agent_id"]
    assert answer.json == {"agent_id": bare.agent_id, "client_id": bare.client_id, "config": FRESH}
    assert isinstance(answer.json["config"]["min_savings_percent"], float)
    agent = bare.agent()
    assert (agent["status"], agent["current_mode"], agent["current_pool_id"]) == ("online", "ondemand", None)
    assert agent["last_heartbeat_at"] is not None
    instance = bare.one("SELECT * FROM instances")
    assert (instance["agent_id"], instance["spot_price"], instance["ondemand_price"]) == (bare.agent_id, 0, 0.0416)
    assert (instance["is_active"], instance["current_pool_id"]) == (1, None)
    assert bare.one("SELECT message FROM notifications") == {"message": "New agent registered: agent-1"}
    assert bare.one("SELECT agent_id FROM agent_configs") == {"agent_id": bare.agent_id}
    event = bare.one("SELECT * FROM system_events")
    assert (event["event_type"], event["instance_id"]) == ("agent_registered", "i-1")
    assert event["message"] == "Agent agent-1 registered successfully"


@pytest.mark.parametrize(("first", "again"), [("Agënt-1", "agent-1"), ("agent-1", "AGENT-1  "), ("株-É", "株-e")])
def test_a_logical_id_is_the_same_in_any_case_with_any_accent(bare: Spot, first: str, again: str) -> None:
    known, same = (bare.register(logical_agent_id=name).json["agent_id"] for name in (first, again))
    assert same == known
    assert bare.register(logical_agent_id="株-o").json["agent_id"] != known


def test_registering_again_keeps_the_identity_and_overwrites_the_rest(spot: Spot) -> None:
    spot.sql("UPDATE agents SET status = 'deleted', enabled = 0")
    minimal = {k: v for k, v in REGISTRATION.items() if k not in ("hostname", "ami_id", "mode")}
    again = spot.http.post(
        "/api/agents/register", json={**minimal, "logical_agent_id": "AGENT-1"}, headers=spot.headers
    )
    assert again.json["agent_id"] == spot.agent_id
    assert again.json["config"]["enabled"] == 0
    agent = spot.agent()
    assert (agent["status"], agent["hostname"], agent["current_mode"]) == ("online", None, "unknown")
    assert len(spot.sql("SELECT 1 FROM agents")) == len(spot.sql("SELECT 1 FROM notifications")) == 1


def test_clients_do_not_share_logical_ids(spot: Spot) -> None:
    spot.add_client("client-2", "token-2")
    spot.headers = {"Authorization": "token-2"}
    other = spot.register(instance_id="i-2")
    assert other.json["agent_id"] != spot.agent_id
    assert other.json["client_id"] == "client-2"


def test_limits_without_a_row_have_their_defaults(spot: Spot) -> None:
    spot.sql("DELETE FROM agent_configs")
    assert spot.register().json["config"] == FRESH


def test_a_known_instance_is_left_alone(spot: Spot) -> None:
    spot.add_client("client-2", "token-2")
    spot.headers = {"Authorization": "token-2"}
    assert spot.register(logical_agent_id="other").status_code == 200
    assert spot.one("SELECT client_id FROM instances")["client_id"] == "client-1"


class TestPrices:
    def price(self, spot: Spot, **changes: Any) -> tuple[float, float]:
        assert spot.register(logical_agent_id="priced", instance_id="i-priced", **changes).status_code == 200
        row = spot.one("SELECT spot_price, ondemand_price FROM instances WHERE id = 'i-priced'")
        return row["spot_price"], row["ondemand_price"]

    def test_unknown_prices(self, bare: Spot) -> None:
        assert self.price(bare, mode="spot") == (0.01248, 0.0416)

    def test_a_known_ondemand_price_without_a_spot_price(self, bare: Spot) -> None:
        for price in (0.09, 0.05):
            bare.sql(
                "INSERT INTO ondemand_price_snapshots (region, instance_type, price) VALUES ('us-east-1', ?, ?)",
                "t3.medium",
                price,
            )
        assert self.price(bare, mode="spot") == (0.015, 0.05)

    def test_the_current_ondemand_price_comes_before_the_snapshots(self, bare: Spot) -> None:
        bare.sql("INSERT INTO ondemand_prices (region, instance_type, price) VALUES ('us-east-1', 't3.medium', 0.07)")
        assert self.price(bare) == (0, 0.07)

    def test_the_newest_spot_price_of_the_pool(self, bare: Spot) -> None:
        bare.sql(
            "INSERT INTO spot_pools (id, instance_type, region, az) VALUES ('t3.medium.us-east-1a', 'a', 'b', 'c')"
        )
        for price in (0.02, 0.0125):
            bare.sql("INSERT INTO spot_price_snapshots (pool_id, price) VALUES ('t3.medium.us-east-1a', ?)", price)
        assert self.price(bare, mode="spot") == (0.0125, 0.0416)
        assert bare.one("SELECT current_pool_id FROM agents")["current_pool_id"] == "t3.medium.us-east-1a"


@pytest.mark.parametrize(
    ("changes", "details"),
    [
        ({"client_token": None}, {"client_token": ["Field may not be null."]}),
        ({"hostname": "h" * 256}, {"hostname": ["Longer than maximum length 255."]}),
        ({"hostname": 5}, {"hostname": ["Not a valid string."]}),
        ({"instance_type": "t" * 65}, {"instance_type": ["Longer than maximum length 64."]}),
        ({"mode": "on-demand"}, {"mode": ["Must be one of: spot, ondemand, unknown."]}),
        ({"mode": None}, {"mode": ["Field may not be null."]}),
        ({"agent_version": "v" * 33}, {"agent_version": ["Longer than maximum length 32."]}),
        ({"private_ip": None}, {"private_ip": ["Field may not be null."]}),
        ({"public_ip": "1" * 46}, {"public_ip": ["Longer than maximum length 45."]}),
        ({"colour": "red"}, {"colour": ["Unknown field."]}),
    ],
)
def test_a_body_that_is_no_registration(bare: Spot, changes: dict[str, Any], details: dict[str, list[str]]) -> None:
    answer = bare.register(**changes)
    assert (answer.status_code, answer.json) == (400, {"details": details, "error": "Validation failed"})
    event = bare.one("SELECT * FROM system_events")
    assert (event["event_type"], event["severity"]) == ("validation_error", "warning")
    assert event["message"] == f"Agent registration validation failed: {details}"
    assert bare.sql("SELECT 1 FROM agents") == []


def test_what_is_missing_is_listed_in_the_order_of_the_form(bare: Spot) -> None:
    answer = bare.http.post("/api/agents/register", json={"region": "r"}, headers=bare.headers)
    missing = ["client_token", "logical_agent_id", "instance_id", "instance_type", "az"]
    assert answer.json["details"] == {name: ["Missing data for required field."] for name in missing}
    messages = {name: ["Missing data for required field."] for name in missing}
    assert bare.one("SELECT message FROM system_events")["message"].endswith(str(messages))


@pytest.mark.parametrize("body", ["null", "[]", "5", '"text"'])
def test_a_body_that_is_no_object(bare: Spot, body: str) -> None:
    answer = bare.http.post("/api/agents/register", data=body, headers=bare.headers, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json == {"details": {"_schema": ["Invalid input type."]}, "error": "Validation failed"}


def test_a_host_without_a_public_address_may_register(bare: Spot) -> None:
    assert bare.register(public_ip=None).status_code == 200


def test_an_instance_id_too_long_for_an_agent_leaves_nothing_but_an_event(bare: Spot) -> None:
    answer = bare.register(instance_id="i" * 51)
    text = "1406 (22001): Data too long for column 'instance_id' at row 1"
    assert (answer.status_code, answer.json) == (500, {"error": text})
    assert bare.sql("SELECT 1 FROM agents") == []
    event = bare.one("SELECT * FROM system_events")
    assert (event["event_type"], event["severity"], event["message"]) == ("agent_registration_failed", "error", text)


def test_an_instance_that_cannot_be_stored_leaves_nothing_but_an_event(bare: Spot) -> None:
    answer = bare.register(region="r" * 40)
    assert answer.json == {"error": "1406 (22001): Data too long for column 'region' at row 1"}
    for table in ("agents", "agent_configs", "instances", "notifications"):
        assert bare.sql(f"SELECT 1 FROM {table}") == []
    assert bare.sql("SELECT event_type, severity, message FROM system_events") == [
        {"event_type": "agent_registration_failed", "severity": "error", "message": answer.json["error"]}
    ]
    assert bare.register().status_code == 200


def register_at_once(spot: Spot, times: int) -> None:
    with ThreadPoolExecutor(times) as threads:
        answers = list(
            threads.map(lambda _: spot.register(logical_agent_id="twin", instance_id="i-twin"), range(times))
        )
    assert [answer.status_code for answer in answers] == [200] * times
    assert len({answer.json["agent_id"] for answer in answers}) == 1
    assert len(spot.sql("SELECT 1 FROM agents WHERE logical_agent_id = 'twin'")) == 1
    assert len(spot.sql("SELECT 1 FROM instances WHERE id = 'i-twin'")) == 1


def test_registering_the_same_agent_at_once(spot: Spot) -> None:
    register_at_once(spot, 6)


def test_registering_the_same_agent_at_once_on_mariadb(spot_on_mariadb: Spot) -> None:
    register_at_once(spot_on_mariadb, 6)
