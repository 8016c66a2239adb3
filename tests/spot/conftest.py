"""One living system on each side: a server on MariaDB, with a client, agents, a switch and a replica in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.agent import Agent
from tests.simulator.calls import Session
from tests.simulator.cloud import Cloud
from tests.support.mariadb import MariaDB
from tests.support.serving import Answer, Server, serving

SIDES = {"legacy": "legacy.spot:create_app()", "native": "backend:create_app()"}


@dataclass(frozen=True)
class System:
    """A server in use, and what its users know about it."""

    side: str
    server: Server
    client_id: str
    token: str
    agent: Agent
    replica_id: str

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One exchange as the frontend has it: JSON content type, no credentials."""
        return self.server.request(method, path, body, **headers)

    def get(self, path: str) -> Any:
        answer = self.call("GET", path)
        assert answer.status == 200, (path, answer)
        return answer.json

    def agent_call(self, method: str, path: str, body: Any = None) -> Answer:
        """One exchange as the agent has it, with its token."""
        path = f"/api/agents/{self.agent.agent_id}/{path}"
        return self.server.request(method, path, body, Authorization=f"Bearer {self.token}")

    @property
    def frontend_gets(self) -> list[str]:
        """Every path that the frontend reads."""
        client, instance = f"/api/client/{self.client_id}", f"/api/client/instances/{self.agent.machine.instance_id}"
        return [
            *("/health", "/api/admin/clients", "/api/admin/stats", "/api/admin/system-health", "/api/admin/activity"),
            *("/api/admin/clients/growth?days=30", "/api/admin/agents", "/api/admin/instances?status=active"),
            *("/api/admin/ml-models/sessions", "/api/notifications?limit=50", "/api/notifications?limit=20"),
            f"/api/admin/clients/{self.client_id}/token",
            *(client, f"{client}/agents", f"{client}/instances?status=active", f"{client}/replicas"),
            *(f"{client}/switch-history", f"{client}/savings?range=monthly", f"{client}/stats/charts"),
            *(f"{instance}/pricing", f"{instance}/metrics", f"{instance}/price-history?days=7&interval=hour"),
        ]


@contextmanager
def running_system(side: str, directory: Path, mariadb: MariaDB) -> Iterator[System]:
    """Start a side on an empty database and let people and an agent use it."""
    environment = {
        "SPOT_DATABASE_URL": mariadb.create_database(),
        "SPOT_AUTO_MIGRATE": "true",
        "MODEL_DIR": str(directory / "models"),
        "DECISION_ENGINE_DIR": str(directory / "engines"),
    }
    with serving(SIDES[side], directory, environment) as server:
        client = server.request("POST", "/api/admin/clients/create", {"name": "Unchanged Co"}).json["client"]
        cloud = Cloud()
        machine = cloud.launch("ondemand", "us-east-1a")
        agent = Agent(Session(server.url, client["token"]), cloud, client["token"], "unchanged-1", machine)
        assert agent.register()
        agent.beat()
        agent.report_prices()
        _switch(server, agent)
        replica = _replicate(server, agent)
        assert [call for call in agent.session.calls if call.failed] == []
        yield System(side, server, client["id"], client["token"], agent, replica)
        agent.session.close()


@pytest.fixture(scope="session", params=SIDES)
def system(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, mariadb: MariaDB) -> Iterator[Any]:
    """Either side, living; tests may add to it, and must leave what is there."""
    with running_system(request.param, tmp_path_factory.mktemp(request.param), mariadb) as system:
        yield system


def _switch(server: Server, agent: Agent) -> None:
    path = f"/api/client/instances/{agent.machine.instance_id}/force-switch"
    ordered = server.request("POST", path, {"target": "pool", "pool_id": "t3.medium.us-east-1c"})
    assert ordered.status == 200, ordered
    agent.poll_commands()
    agent.report_prices()


def _replicate(server: Server, agent: Agent) -> str:
    wanted = {"manualReplicaEnabled": True, "autoSwitchEnabled": False}
    assert server.request("POST", f"/api/client/agents/{agent.agent_id}/config", wanted).status == 200
    created = server.request("POST", f"/api/agents/{agent.agent_id}/replicas", {"pool_id": "t3.medium.us-east-1b"})
    assert created.status == 201, created
    replica: str = created.json["replica_id"]
    return replica
