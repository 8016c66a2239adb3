"""One request for each route of the native side, as an agent sends it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from benchmarks.caller import get, post

_CLEANUP = {
    "timestamp": "2026-11-21T03:00:00.123456+00:00",
    "snapshots": {"deleted": ["a"], "failed": [], "cutoff_date": "2026-11-14T03:00:00+00:00"},
    "amis": {"deleted_amis": [], "deleted_snapshots": [], "failed": []},
}


@dataclass(frozen=True, slots=True)
class Agent:
    """Who asks, and the instance that it runs on."""

    agent_id: str
    token: str
    logical_agent_id: str = "benchmark"
    instance_id: str = "i-1"
    instance_type: str = "t3.medium"
    az: str = "us-east-1a"

    @property
    def instance(self) -> dict[str, Any]:
        return {
            "instance_id": self.instance_id,
            "instance_type": self.instance_type,
            "region": "us-east-1",
            "az": self.az,
            "mode": "spot",
            "pool_id": self._pool("a"),
        }

    @property
    def pricing(self) -> dict[str, Any]:
        zones = [(f"us-east-1{letter}", self._pool(letter)) for letter in "abcdef"]
        return {
            "on_demand_price": 0.0416,
            "current_spot_price": 0.0125,
            "cheapest_pool": {"pool_id": self._pool("c"), "price": 0.0119},
            "spot_pools": [
                {"pool_id": pool, "instance_type": self.instance_type, "az": zone, "price": 0.0125}
                for zone, pool in zones
            ],
            "collected_at": "2026-11-21T03:12:00.272826+00:00",
        }

    @property
    def registration(self) -> dict[str, Any]:
        return {
            "client_token": self.token,
            "hostname": "host-1",
            "logical_agent_id": self.logical_agent_id,
            "instance_id": self.instance_id,
            "instance_type": self.instance_type,
            "region": "us-east-1",
            "az": self.az,
            "ami_id": "ami-1",
            "mode": "spot",
            "agent_version": "4.0.0",
            "private_ip": "10.0.0.1",
            "public_ip": "54.0.0.1",
        }

    @property
    def switch(self) -> dict[str, Any]:
        return {
            "old_instance": self.instance | {"ami_id": "ami-1", "mode": "ondemand", "pool_id": None},
            "new_instance": self.instance | {"ami_id": "ami-1"},
            "pricing": {"on_demand": 0.0416, "old_spot": None, "new_spot": 0.0119},
            "timing": {
                "initiated_at": "2026-11-21T03:10:02.074686+00:00",
                "old_terminated_at": "2026-11-21T03:11:57+00:00",
            },
            "trigger": "manual",
        }

    def _pool(self, letter: str) -> str:
        return f"{self.instance_type}.us-east-1{letter}"


def requests_of(agent: Agent) -> list[tuple[str, bytes]]:
    """The name of each route with a request for it; registration comes first."""
    authorization = f"Authorization: Bearer {agent.token}"
    base = f"/api/agents/{agent.agent_id}"

    def asking(what: str) -> tuple[str, bytes]:
        return f"GET {what}", get(f"{base}/{what}", authorization)

    def telling(what: str, body: dict[str, Any]) -> tuple[str, bytes]:
        return f"POST {what}", post(f"{base}/{what}", json.dumps(body).encode(), authorization)

    notice = {"instance_id": agent.instance_id, "detected_at": "2026-11-21T03:22:07.970026"}
    heartbeat = {"status": "online", "instance_id": agent.instance_id, "mode": "spot", "az": agent.az}
    return [
        ("POST register", post("/api/agents/register", json.dumps(agent.registration).encode(), authorization)),
        ("GET health", get("/health")),
        asking("config"),
        asking("replica-config"),
        asking("pending-commands"),
        asking("switch-recommendation"),
        telling("heartbeat", heartbeat),
        telling("pricing-report", {"instance": agent.instance, "pricing": agent.pricing}),
        telling("switch-report", agent.switch),
        telling("commands/1/executed", {"success": True, "message": "done"}),
        telling("issue-switch-command", {"target_mode": "ondemand"}),
        telling("rebalance-recommendation", notice),
        telling("decide", {"instance": agent.instance | {"current_mode": "spot"}, "pricing": agent.pricing}),
        telling("cleanup-report", _CLEANUP),
        telling("termination", {"reason": "spot interruption"}),
    ]
