"""Standby replicas: made, reported, promoted, lost. None of these routes asks for a token."""

from __future__ import annotations

from typing import Any

import pytest

from tests.legacy.spot_routes.server import UNKNOWN_ID, Account, SpotServer

NO_COLUMN = {"error": "1054 (42S22): Unknown column 'p.is_available' in 'WHERE'"}


class Agent:
    """An agent with manual replicas on."""

    def __init__(self, server: SpotServer, account: Account) -> None:
        self.server = server
        self.id = server.agent(account, "one")
        self.path = f"/api/agents/{self.id}"
        self.pool_id = server.pool("us-east-1b")
        server.post(f"/api/client/agents/{self.id}/config", {"manualReplicaEnabled": True})

    def create(self, **body: Any) -> dict[str, Any]:
        return self.server.post(f"{self.path}/replicas", {"pool_id": self.pool_id, **body}).json

    def ready(self) -> str:
        replica_id = self.create()["replica_id"]
        self.server.put(f"{self.path}/replicas/{replica_id}", {"instance_id": "i-real"})
        self.server.post(f"{self.path}/replicas/{replica_id}/status", {"status": "ready"})
        return replica_id

    def listed(self, query: str = "") -> list[dict[str, Any]]:
        return self.server.get(f"{self.path}/replicas{query}").json["replicas"]

    @property
    def row(self) -> dict[str, Any]:
        return self.server.row("agents", id=self.id)


@pytest.fixture
def agent(server: SpotServer, acme: Account) -> Agent:
    return Agent(server, acme)


class TestCreating:
    def test_a_replica_is_made_listed_and_deleted(self, server: SpotServer, agent: Agent) -> None:
        answer = server.post(f"{agent.path}/replicas", {"pool_id": agent.pool_id, "tags": {"n": 1}})
        assert answer.status_code == 201
        replica_id = answer.json["replica_id"]
        assert answer.json["instance_id"] == f"replica-{replica_id[:8]}"
        assert (answer.json["hourly_cost"], answer.json["status"]) == (None, "launching")
        (replica,) = agent.listed("?status=ready")
        assert (replica["created_by"], replica["tags"], replica["is_active"]) == ("unknown", {"n": 1}, True)
        assert replica["pool"]["name"] == "t3.medium (us-east-1b)"
        assert (agent.row["replica_count"], agent.row["current_replica_id"]) == (1, replica_id)

        path = f"{agent.path}/replicas/{replica_id}"
        assert server.delete(path).json["message"] == "Replica terminated"
        again = server.delete(path)
        assert (again.status_code, again.json["error"]) == (400, "Replica already terminated")
        assert (agent.row["replica_count"], agent.row["current_replica_id"]) == (0, None)
        assert agent.listed() == agent.listed("?include_terminated=1") == []
        assert agent.listed("?include_terminated=TRUE")[0]["status"] == "terminated"

    def test_a_second_replica_is_refused(self, agent: Agent) -> None:
        agent.create()
        assert agent.create()["current_count"] == 1

    @pytest.mark.parametrize("body", [{}, {"exclude_zones": ["us-east-1a"], "max_hourly_cost": 0.5}])
    def test_choosing_a_pool_for_the_caller_always_fails(
        self, server: SpotServer, agent: Agent, body: dict[str, Any]
    ) -> None:
        answer = server.post(f"{agent.path}/replicas", body)
        assert (answer.status_code, answer.json) == (500, NO_COLUMN)

    def test_refusals_in_their_order(self, server: SpotServer, agent: Agent) -> None:
        assert server.post(f"/api/agents/{UNKNOWN_ID}/replicas", {}).json == {"error": "Agent not found or offline"}
        assert agent.create(pool_id="nowhere") == {"error": "Pool not found"}
        other_type = server.pool("us-east-1a", instance_type="m5.large")
        assert agent.create(pool_id=other_type) == {
            "agent_type": "t3.medium",
            "error": "Pool instance type mismatch",
            "pool_type": "m5.large",
        }
        server.post(f"/api/client/agents/{agent.id}/config", {"manualReplicaEnabled": False})
        assert agent.create()["error"] == "Manual replicas not enabled for this agent"


class TestReporting:
    def test_an_instance_is_reported(self, server: SpotServer, agent: Agent) -> None:
        path = f"{agent.path}/replicas/{agent.create()['replica_id']}"
        assert server.put(path, {}).json == {"error": "instance_id is required"}
        assert server.put(path, {"instance_id": "i-real"}).json["status"] == "syncing"
        assert server.row("replica_instances")["launched_at"] is not None
        wrong = server.put(path, {"instance_id": "i-real", "status": "bogus"})
        assert wrong.json == {"error": "1265 (01000): Data truncated for column 'status' at row 1"}
        assert server.put(f"{agent.path}/replicas/{UNKNOWN_ID}", {"instance_id": "i"}).status_code == 404

    def test_a_bare_status_is_taken_and_every_detail_fails(self, server: SpotServer, agent: Agent) -> None:
        path = f"{agent.path}/replicas/{agent.create()['replica_id']}/status"
        assert server.post(path, {}).json == {"error": "status is required"}
        assert server.post(path, {"status": "promoted"}).json == {"error": "Invalid status"}
        answer = server.post(path, {"status": "syncing", "sync_started_at": "2026-11-21", "error_message": "x"})
        assert answer.json == {"error": "1054 (42S22): Unknown column 'sync_started_at' in 'SET'"}
        assert server.post(path, {"status": "ready", "error_message": ""}).json["success"] is True
        assert agent.listed()[0]["ready_at"] is not None

    def test_synchronisation_is_believed_without_questions(self, server: SpotServer, agent: Agent) -> None:
        path = f"{agent.path}/replicas/{agent.create()['replica_id']}/sync-status"
        updated = {"message": "Sync status updated", "success": True}
        assert server.post(path, {"sync_status": "syncing", "state_transfer_progress": 100}).json == updated
        assert (agent.listed()[0]["status"], agent.listed()[0]["state_transfer_progress"]) == ("ready", 100.0)
        assert server.post(path, {"state_transfer_progress": 100, "status": "failed"}).json == updated
        assert agent.listed()[0]["status"] == "failed"
        assert server.post(f"{agent.path}/replicas/{UNKNOWN_ID}/sync-status", {}).json == updated
        answer = server.post(path, {"state_transfer_progress": "50"})
        assert answer.json == {"error": "'>=' not supported between instances of 'str' and 'float'"}
        assert server.post(path, 5).json == {"error": "argument of type 'int' is not iterable"}


class TestPromotion:
    def test_the_old_primary_stands_by(self, server: SpotServer, agent: Agent, acme: Account) -> None:
        path = f"{agent.path}/replicas/{agent.ready()}/promote"
        answer = server.post(path, {}).json
        assert (answer["new_instance_id"], answer["old_instance_id"], answer["demoted"]) == ("i-real", "i-one", True)
        assert (agent.row["instance_id"], agent.row["replica_count"]) == ("i-real", 0)
        assert server.row("instances", id="i-real")["agent_id"] is None
        assert server.row("instances", id="i-one")["is_active"] == 1
        assert server.row("instance_switches")["switch_reason"] == "manual-replica-promotion"
        (standby,) = server.get(f"/api/client/{acme.id}/replicas").json
        assert (standby["replica"]["instanceId"], standby["replica"]["pool"]) == ("i-one", None)
        assert standby["primary"]["instanceId"] == "i-real"
        assert server.post(path, {}).json["current_status"] == "promoted"

    def test_the_old_primary_is_dropped(self, server: SpotServer, agent: Agent) -> None:
        server.post(f"{agent.path}/replicas/{agent.ready()}/promote", {"demote_old_primary": None})
        old = server.row("instances", id="i-one")
        assert (old["is_active"], old["terminated_at"]) == (0, None)
        assert len(server.rows("replica_instances")) == 1

    def test_a_launching_replica_is_not_ready(self, server: SpotServer, agent: Agent) -> None:
        answer = server.post(f"{agent.path}/replicas/{agent.create()['replica_id']}/promote", {})
        assert (answer.status_code, answer.json["current_status"]) == (400, "launching")


class TestEmergencies:
    def test_an_emergency_replica_is_never_made(self, server: SpotServer, acme: Account) -> None:
        path = f"/api/agents/{server.agent(acme, 'one')}/create-emergency-replica"
        assert server.post(path, {}).json == {"error": "Invalid signal_type"}
        body = {"signal_type": "termination-notice"}
        failed = server.post(path, body)
        assert (failed.status_code, failed.json) == (500, NO_COLUMN)
        server.db.execute("UPDATE agents SET auto_switch_enabled = 0")
        refused = server.post(path, body)
        assert (refused.status_code, refused.json["error"]) == (403, "Emergency replica creation disabled")
        assert server.rows("replica_instances") == []

    def test_a_notice_without_a_replica_asks_for_a_snapshot(self, server: SpotServer, agent: Agent) -> None:
        path = f"{agent.path}/termination-imminent"
        agent.create()
        answer = server.post(path, {"instance_id": "i-one", "termination_time": "2026-11-21T03:17:44+00:00"})
        assert (answer.status_code, answer.json["action"]) == (500, "emergency_snapshot_required")
        assert server.row("spot_interruption_events")["success"] == 0
        assert server.post(path, {}).json == {"error": "1048 (23000): Column 'instance_id' cannot be null"}
        with_z = server.post(path, {"instance_id": "i-one", "termination_time": "2026-11-21T10:00:00Z"})
        assert with_z.json["error"].startswith("1292 (22007)")

    def test_a_ready_replica_takes_over(self, server: SpotServer, agent: Agent) -> None:
        path = f"{agent.path}/termination-imminent"
        server.post(path, {"instance_id": "i-one"})
        replica_id = agent.ready()
        answer = server.post(path, {"instance_id": "i-one"})
        assert (answer.status_code, answer.json["replica_id"]) == (200, replica_id)
        assert isinstance(answer.json["failover_time_ms"], int)
        assert (agent.row["instance_id"], agent.row["replica_count"]) == ("i-real", 1)
        assert agent.row["interruption_handled_count"] == 1
        assert server.row("instances", id="i-one")["is_active"] == 0
        assert server.row("spot_interruption_events")["failover_completed"] == 1
        assert server.post(path, {"instance_id": "i-real"}).status_code == 500

    def test_a_named_replica_is_looked_up_after_the_agent(self, server: SpotServer, agent: Agent) -> None:
        body = {"instance_id": "i", "replica_id": UNKNOWN_ID}
        unknown = server.post(f"/api/agents/{UNKNOWN_ID}/termination-imminent", body)
        assert (unknown.status_code, unknown.json) == (500, {"error": "list index out of range"})
        missing = server.post(f"{agent.path}/termination-imminent", body)
        assert (missing.status_code, missing.json) == (404, {"error": "Replica instance_id not found"})


def test_auto_switch_ends_manual_replicas(server: SpotServer, agent: Agent) -> None:
    agent.create()
    server.post(f"/api/client/agents/{agent.id}/config", {"autoSwitchEnabled": True})
    assert agent.listed() == []
    assert (agent.row["replica_count"], agent.row["manual_replica_enabled"]) == (0, 0)
