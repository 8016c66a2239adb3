"""One request for each route of the native side, as an agent sends it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from benchmarks.caller import get, post

_INSTANCE = {
    "instance_id": "i-1",
    "instance_type": "t3.medium",
    "region": "us-east-1",
    "az": "us-east-1a",
    "mode": "spot",
    "pool_id": "t3.medium.us-east-1a",
}
_POOLS = [
    {"pool_id": f"t3.medium.us-east-1{zone}", "instance_type": "t3.medium", "az": f"us-east-1{zone}", "price": 0.0125}
    for zone in "abcdef"
]
_PRICING = {
    "on_demand_price": 0.0416,
    "current_spot_price": 0.0125,
    "cheapest_pool": {"pool_id": "t3.medium.us-east-1c", "price": 0.0119},
    "spot_pools": _POOLS,
    "collected_at": "2026-11-21T03:12:00.272826+00:00",
}
_REGISTRATION = {
    "hostname": "host-1",
    "logical_agent_id": "benchmark",
    "instance_id": "i-1",
    "instance_type": "t3.medium",
    "region": "us-east-1",
    "az": "us-east-1a",
    "ami_id": "ami-1",
    "mode": "spot",
    "agent_version": "4.0.0",
    "private_ip": "10.0.0.1",
    "public_ip": "54.0.0.1",
}
_SWITCH = {
    "old_instance": _INSTANCE | {"ami_id": "ami-1", "mode": "ondemand", "pool_id": None},
    "new_instance": _INSTANCE | {"ami_id": "ami-1"},
    "pricing": {"on_demand": 0.0416, "old_spot": None, "new_spot": 0.0119},
    "timing": {"initiated_at": "2026-11-21T03:10:02.074686+00:00", "old_terminated_at": "2026-11-21T03:11:57+00:00"},
    "trigger": "manual",
}
_CLEANUP = {
    "timestamp": "2026-11-21T03:00:00.123456+00:00",
    "snapshots": {"deleted": ["a"], "failed": [], "cutoff_date": "2026-11-14T03:00:00+00:00"},
    "amis": {"deleted_amis": [], "deleted_snapshots": [], "failed": []},
}


@dataclass(frozen=True, slots=True)
class Agent:
    agent_id: str
    token: str


def requests_of(agent: Agent) -> list[tuple[str, bytes]]:
    """The name of each route with a request for it; registration comes first."""
    authorization = f"Authorization: Bearer {agent.token}"
    base = f"/api/agents/{agent.agent_id}"

    def asking(what: str) -> tuple[str, bytes]:
        return f"GET {what}", get(f"{base}/{what}", authorization)

    def telling(what: str, body: dict[str, Any]) -> tuple[str, bytes]:
        return f"POST {what}", post(f"{base}/{what}", json.dumps(body).encode(), authorization)

    registration = json.dumps({**_REGISTRATION, "client_token": agent.token}).encode()
    return [
        ("POST register", post("/api/agents/register", registration, authorization)),
        ("GET health", get("/health")),
        asking("config"),
        asking("replica-config"),
        asking("pending-commands"),
        asking("switch-recommendation"),
        telling("heartbeat", {"status": "online", "instance_id": "i-1", "mode": "spot", "az": "us-east-1a"}),
        telling("pricing-report", {"instance": _INSTANCE, "pricing": _PRICING}),
        telling("switch-report", _SWITCH),
        telling("commands/1/executed", {"success": True, "message": "done"}),
        telling("issue-switch-command", {"target_mode": "ondemand"}),
        telling("rebalance-recommendation", {"instance_id": "i-1", "detected_at": "2026-11-21T03:22:07.970026"}),
        telling("decide", {"instance": _INSTANCE | {"current_mode": "spot"}, "pricing": _PRICING}),
        telling("cleanup-report", _CLEANUP),
        telling("termination", {"reason": "spot interruption"}),
    ]
