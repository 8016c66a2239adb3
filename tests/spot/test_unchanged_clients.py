"""What the agents, the dashboard and the frontend rely on, as they are: on the monolith and on the new side alike."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from numbers import Real
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.agent import Agent
from tests.simulator.calls import Session
from tests.spot.conftest import System, running_system
from tests.support.mariadb import MariaDB

ORIGIN = "http://localhost:5173"


def number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


class TestNumbers:
    """The frontend calls ``toFixed`` on these."""

    def test_of_an_instance(self, system: System) -> None:
        path = f"/api/client/instances/{system.agent.machine.instance_id}"
        pricing = system.get(f"{path}/pricing")
        assert number(pricing["onDemand"]["price"])
        assert pricing["pools"]
        assert all(number(pool["price"]) and number(pool["savings"]) for pool in pricing["pools"])
        metrics = system.get(f"{path}/metrics")
        for key in ("totalSavings", "spotPrice", "onDemandPrice", "savingsLast30Days", "uptimeHours"):
            assert number(metrics[key]), key

    def test_of_a_client(self, system: System) -> None:
        path = f"/api/client/{system.client_id}"
        assert number(system.get(path)["totalSavings"])
        instances = system.get(f"{path}/instances?status=all")
        assert len(instances) >= 2
        assert all(number(row["spotPrice"]) and number(row["onDemandPrice"]) for row in instances)
        (switch, *_) = system.get(f"{path}/switch-history")
        assert number(switch["price"])
        assert number(switch["savingsImpact"])
        assert number(system.get("/api/admin/stats")["totalSavings"])

    def test_of_a_replica(self, system: System) -> None:
        (shown,) = system.get(f"/api/client/{system.client_id}/replicas")
        assert number(shown["replica"]["state_transfer_progress"])
        hourly = shown["replica"]["cost"]["hourly"]
        assert hourly is None or number(hourly)

    def test_only_prices_of_all_instances_may_be_unknown(self, system: System) -> None:
        rows = system.get("/api/admin/instances")["instances"]
        assert rows
        assert all(row[key] is None or number(row[key]) for row in rows for key in ("spotPrice", "ondemandPrice"))


class TestLists:
    def test_those_the_frontend_maps_are_bare(self, system: System) -> None:
        client = f"/api/client/{system.client_id}"
        for path in (
            *("/api/admin/clients", "/api/admin/activity", "/api/admin/clients/growth?days=30"),
            *("/api/notifications?limit=50", "/api/admin/ml-models/sessions"),
            *(f"{client}/agents", f"{client}/instances", f"{client}/replicas", f"{client}/switch-history"),
            f"{client}/savings?range=monthly",
        ):
            assert isinstance(system.get(path), list), path

    def test_decisions_are_a_list_where_they_work_at_all(self, system: System) -> None:
        answer = system.call("GET", f"/api/client/{system.client_id}/agents/decisions")
        if system.side == "legacy":
            assert answer.status == 500
        else:
            assert [shown["agentId"] for shown in answer.json] == [system.agent.agent_id]

    def test_the_others_are_wrapped(self, system: System) -> None:
        assert isinstance(system.get("/api/admin/instances")["instances"], list)
        assert isinstance(system.get("/api/admin/agents")["agents"], list)
        charts = system.get(f"/api/client/{system.client_id}/stats/charts")
        assert all(isinstance(charts[key], list) for key in ("savingsTrend", "modeDistribution", "switchFrequency"))
        path = f"/api/client/instances/{system.agent.machine.instance_id}/price-history?days=7&interval=hour"
        history = system.get(path)
        assert isinstance(history["data"], list)
        assert isinstance(history["pools"], list)


def test_enabled_is_a_number_or_a_truth_value(system: System) -> None:
    config = system.agent_call("GET", "config").json
    assert config["enabled"] in (0, 1)
    assert isinstance(config["enabled"], int)
    for agent in system.get(f"/api/client/{system.client_id}/agents"):
        assert all(agent[key] in (0, 1) for key in ("enabled", "autoSwitchEnabled", "manualReplicaEnabled"))


class TestBodies:
    def test_a_post_without_body_is_enough(self, system: System) -> None:
        other = system.call("POST", "/api/admin/clients/create", {"name": f"No body {system.side}"}).json["client"]
        assert system.call("POST", f"/api/admin/clients/{other['id']}/regenerate-token").json["success"] is True
        (notice, *_) = system.get(f"/api/notifications?client_id={other['id']}")
        assert system.call("POST", f"/api/notifications/{notice['id']}/mark-read").json == {"success": True}
        fallback = system.call("POST", "/api/admin/ml-models/fallback")
        assert (fallback.status, fallback.json) == (404, {"error": "No fallback version available"})
        assert system.call("DELETE", f"/api/admin/clients/{other['id']}").status == 200

    def test_a_get_may_claim_to_have_one(self, system: System) -> None:
        for path in system.frontend_gets:
            assert system.call("GET", path).status == 200, path
        for path in ("config", "pending-commands", "replica-config", "switch-recommendation", "replicas"):
            assert system.agent_call("GET", path).status == 200, path


class TestOtherOrigins:
    def test_every_preflight_is_answered(self, system: System) -> None:
        asked = {
            "Origin": ORIGIN,
            "Access_Control_Request_Method": "GET",
            "Access_Control_Request_Headers": "content-type",
        }
        for path in system.frontend_gets:
            answer = system.call("OPTIONS", path, **asked)
            assert 200 <= answer.status < 300, path
            assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
            assert "content-type" in answer.headers["Access-Control-Allow-Headers"].lower()

    @pytest.mark.parametrize("path", ["/api/client/nobody", "/api/nothing", "/api/notifications?limit=x"])
    def test_errors_may_be_read_too(self, system: System, path: str) -> None:
        answer = system.call("GET", path, Origin=ORIGIN)
        assert answer.status >= 400
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


class TestRegistration:
    def test_the_same_name_is_the_same_agent(self, system: System) -> None:
        cloud = system.agent.cloud
        session = Session(system.server.url, system.token)
        first = Agent(session, cloud, system.token, "twice", cloud.launch())
        again = Agent(session, cloud, system.token, "twice", cloud.launch())
        assert first.register()
        assert again.register()
        assert first.agent_id == again.agent_id
        assert system.call("DELETE", f"/api/client/agents/{first.agent_id}").status == 200

    def test_without_a_public_address(self, system: System) -> None:
        body = {
            "client_token": system.token,
            "logical_agent_id": "private",
            "instance_id": "i-private",
            "instance_type": "t3.medium",
            "region": "us-east-1",
            "az": "us-east-1a",
            "public_ip": None,
        }
        headers = {"Authorization": f"Bearer {system.token}"}
        answer = system.call("POST", "/api/agents/register", body, **headers)
        if system.side == "legacy":
            assert answer.status == 400
            assert answer.json["details"] == {"public_ip": ["Field may not be null."]}
        else:
            assert set(answer.json) == {"agent_id", "client_id", "config"}
            assert system.call("DELETE", f"/api/client/agents/{answer.json['agent_id']}").status == 200


def test_a_forced_switch_is_the_next_command_until_it_is_done(system: System) -> None:
    instance = system.agent.machine.instance_id
    ordered = system.call("POST", f"/api/client/instances/{instance}/force-switch", {"target": "ondemand"}).json
    first = system.agent_call("GET", "pending-commands").json[0]
    assert (first["id"], first["target_mode"], first["priority"]) == (ordered["command_id"], "ondemand", 75)
    done = {"success": True, "message": "Switch completed"}
    assert system.agent_call("POST", f"commands/{first['id']}/executed", done).status == 200
    assert ordered["command_id"] not in {row["id"] for row in system.agent_call("GET", "pending-commands").json}


@pytest.mark.parametrize("form", ["+00:00", "", "Z"])
def test_every_agents_way_to_write_the_time(system: System, form: str) -> None:
    now = datetime.now(UTC).replace(tzinfo=None).isoformat() + form
    instance = system.agent.machine.instance_id
    prices = {
        "instance": {"instance_id": instance, "instance_type": "t3.medium", "region": "us-east-1", "mode": "spot"},
        "pricing": {"on_demand_price": 0.0416, "spot_pools": [], "collected_at": now},
    }
    cleanup = {"timestamp": now, "snapshots": {"deleted": [], "failed": [], "cutoff_date": now}}
    signal = {"instance_id": instance, "detected_at": now}
    reports = (("pricing-report", prices), ("cleanup-report", cleanup), ("rebalance-recommendation", signal))
    refused = form == "Z" and system.side == "legacy"  # no agent sends these reports so
    expected = [500, 500, 500] if refused else [200, 200, 200]
    assert [system.agent_call("POST", path, body).status for path, body in reports] == expected


def test_a_disabled_agent_learns_it_and_lives_on(system: System) -> None:
    toggle = f"/api/client/agents/{system.agent.agent_id}/toggle-enabled"
    assert system.call("POST", toggle, {"enabled": False}).status == 200
    assert not system.agent_call("GET", "config").json["enabled"]
    assert system.agent_call("POST", "heartbeat", {"status": "disabled", "monitored_instances": []}).status == 200
    shown = {row["id"]: row["status"] for row in system.get(f"/api/client/{system.client_id}/agents")}
    assert shown[system.agent.agent_id] == "disabled"
    assert system.call("POST", toggle, {"enabled": True}).status == 200
    assert system.agent_call("GET", "config").json["enabled"]
    system.agent.beat()


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", "/api/agents/{agent}/pricing-report", {"instance": {}, "pricing": {"spot_pools": 1}}, 500),
        ("POST", "/api/agents/{agent}/heartbeat", {"status": "x" * 30}, 500),
        ("POST", "/api/agents/unknown/heartbeat", {}, 404),
        ("POST", "/api/agents/{agent}/replicas", {"pool_id": "nowhere"}, 400),
        ("POST", "/api/agents/{agent}/replicas/unknown/promote", {}, 404),
        ("POST", "/api/client/instances/unknown/force-switch", {"target": "ondemand"}, 404),
        ("POST", "/api/client/instances/x/force-switch", {"target": "moon"}, 400),
        ("POST", "/api/admin/clients/create", {"name": "Unchanged Co"}, 409),
        ("POST", "/api/admin/clients/create", {"name": " "}, 400),
        ("POST", "/api/client/agents/unknown/config", {}, 404),
        ("GET", "/api/client/unknown", None, 404),
    ],
)
def test_what_was_refused_still_is_and_says_why(
    system: System, method: str, path: str, body: Any, expected: int
) -> None:
    headers = {"Authorization": f"Bearer {system.token}"} if path.startswith("/api/agents") else {}
    answer = system.call(method, path.format(agent=system.agent.agent_id), body, **headers)
    assert answer.status == expected
    assert isinstance(answer.json["error"], str)


@pytest.mark.parametrize("side", ["legacy", "native"])
def test_health_answers_soon_after_models_were_switched(side: str, tmp_path: Path, mariadb: MariaDB) -> None:
    with running_system(side, tmp_path, mariadb) as system:
        activated = system.call("POST", "/api/admin/ml-models/activate", {"sessionId": "unknown"})
        assert activated.status in (200, 404)
        assert system.call("POST", "/api/admin/ml-models/fallback").status == 404
        pause = threading.Event()
        tries = 1
        while system.call("GET", "/health", timeout=1.0).status != 200:
            tries += 1
            assert tries <= 20
            pause.wait(1)
