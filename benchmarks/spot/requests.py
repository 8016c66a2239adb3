"""A request for each route, as its callers send it; the n-th one of a route uses the n-th spare thing up.

Whoever sets something sets it to another value than it has: a write that changes nothing costs no commit on the old
side, and nobody sends one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.agent_requests import Agent, requests_of
from benchmarks.caller import get, message, post
from benchmarks.spot.data import Scale, agent_id, client_id, place_of, replica_id, token

#: These answer 500 whatever they are asked on the old side: there is nothing to compare a speed with.
BROKEN = ("issue-switch-command", "agents/decisions", "available-options", "create-emergency-replica")
#: These make the old side restart its workers, or write files.
#: Names no command that there is.
UNKNOWN_COMMAND = "commands/1/executed"
RESTARTING = ("decision-engine/upload", "ml-models/upload", "ml-models/activate", "ml-models/fallback")


@dataclass(frozen=True, slots=True)
class Route:
    """What is asked: `make` answers the request for the n-th time."""

    name: str
    make: Callable[[int], bytes]


def routes(scale: Scale) -> Iterator[Route]:
    """Every route but those that are broken on the old side or restart it."""
    yield from _of_agents()
    yield from _of_replicas(scale)
    yield from _of_clients(scale)
    yield from _of_operators(scale)


def _always(name: str, request: bytes) -> Route:
    return Route(name, lambda number: request)


def _of_agents() -> Iterator[Route]:
    for name, request in requests_of(Agent(agent_id(0), token(0))):
        if not name.endswith((*BROKEN, UNKNOWN_COMMAND)):
            yield _always(name, request)
    executed = json.dumps({"success": True, "message": "done"}).encode()
    yield Route(
        "POST commands/<id>/executed",
        lambda n: post(
            f"/api/agents/{agent_id(0)}/commands/command-{n}/executed", executed, f"Authorization: Bearer {token(0)}"
        ),
    )


def _of_replicas(scale: Scale) -> Iterator[Route]:
    promoting, deleting, failing = (f"/api/agents/{agent_id(scale.agents - offset)}" for offset in (1, 2, 3))
    status = f"{deleting}/replicas/{replica_id('delete', 0)}"
    yield _always("GET replicas", get(f"{deleting}/replicas"))
    yield Route("PUT replicas/<id>", lambda n: _json("PUT", status, {"instance_id": f"i-put-{n}", "status": "ready"}))
    yield Route(
        "POST replicas/<id>/status",
        lambda n: _json("POST", f"{status}/status", {"status": ("ready", "syncing")[n % 2]}),
    )
    yield Route(
        "POST replicas/<id>/sync-status",
        lambda n: _json(
            "POST",
            f"{status}/sync-status",
            {"sync_status": "syncing", "sync_latency_ms": n, "state_transfer_progress": n % 99},
        ),
    )
    yield Route(
        "POST replicas/<id>/promote",
        lambda n: _json("POST", f"{promoting}/replicas/{replica_id('promote', n)}/promote", {}),
    )
    yield Route("DELETE replicas/<id>", lambda n: _bare("DELETE", f"{deleting}/replicas/{replica_id('delete', n)}"))
    yield Route(
        "POST termination-imminent",
        lambda n: _json("POST", f"{failing}/termination-imminent", {"replica_id": replica_id("failover", n)}),
    )
    yield Route(
        "POST replicas",
        lambda n: _json(
            "POST", f"/api/agents/{agent_id(scale.agents + n)}/replicas", {"pool_id": place_of(scale.agents + n)[0]}
        ),
    )


def _of_clients(scale: Scale) -> Iterator[Route]:
    client, agent, instance = (
        f"/api/client/{client_id(0)}",
        f"/api/client/agents/{agent_id(0)}",
        "/api/client/instances/i-0",
    )
    authorization = f"Authorization: Bearer {token(0)}"
    for name, target in (
        ("client/<id>", client),
        ("client/<id>/agents", f"{client}/agents"),
        ("client/<id>/agents/history", f"{client}/agents/history"),
        ("client/<id>/instances", f"{client}/instances?status=active"),
        ("client/<id>/replicas", f"{client}/replicas"),
        ("client/<id>/savings", f"{client}/savings?range=monthly"),
        ("client/<id>/switch-history", f"{client}/switch-history"),
        ("client/<id>/stats/charts", f"{client}/stats/charts"),
        ("instances/<id>/pricing", f"{instance}/pricing"),
        ("instances/<id>/metrics", f"{instance}/metrics"),
        ("instances/<id>/price-history", f"{instance}/price-history?days=7&interval=hour"),
        ("notifications", "/api/notifications?limit=50"),
    ):
        yield _always(f"GET {name}", get(target))
    yield _always("GET client/validate", get("/api/client/validate", authorization))
    yield _always("GET client/pricing-history", get("/api/client/pricing-history?days=7", authorization))
    yield Route(
        "POST agents/<id>/toggle-enabled", lambda n: _json("POST", f"{agent}/toggle-enabled", {"enabled": n % 2 == 0})
    )
    yield Route(
        "POST agents/<id>/settings", lambda n: _json("POST", f"{agent}/settings", {"auto_switch_enabled": n % 2 == 1})
    )
    yield Route("POST agents/<id>/config", lambda n: _json("POST", f"{agent}/config", {"terminateWaitMinutes": 30 + n}))
    yield _always("POST instances/<id>/force-switch", _json("POST", f"{instance}/force-switch", {"target": "ondemand"}))
    yield Route("DELETE agents/<id>", lambda n: _bare("DELETE", f"/api/client/agents/{agent_id(scale.agents + n)}"))
    yield Route(
        "POST notifications/<id>/mark-read", lambda n: _bare("POST", f"/api/notifications/notice-{n}/mark-read")
    )
    yield Route(
        "POST notifications/mark-all-read",
        lambda n: _json("POST", "/api/notifications/mark-all-read", {"client_id": client_id(scale.clients + n)}),
    )


def _of_operators(scale: Scale) -> Iterator[Route]:
    last = client_id(scale.clients + scale.spares - 1)
    for name in ("stats", "agents", "instances", "clients/growth", "activity", "system-health", "ml-models/sessions"):
        yield _always(f"GET admin/{name}", get(f"/api/admin/{name}"))
    yield _always("GET admin/clients/<id>/token", get(f"/api/admin/clients/{last}/token"))
    yield Route("POST admin/clients/create", lambda n: _json("POST", "/api/admin/clients/create", {"name": f"New {n}"}))
    yield _always("POST regenerate-token", _bare("POST", f"/api/admin/clients/{last}/regenerate-token"))
    yield Route(
        "DELETE admin/clients/<id>", lambda n: _bare("DELETE", f"/api/admin/clients/{client_id(scale.clients + n)}")
    )
    yield _always("GET admin/clients", get("/api/admin/clients"))


def _json(method: str, target: str, body: dict[str, Any]) -> bytes:
    if method == "POST":
        return post(target, json.dumps(body).encode())
    data = json.dumps(body).encode()
    return message(method, target, ("Content-Type: application/json", f"Content-Length: {len(data)}"), data)


def _bare(method: str, target: str) -> bytes:
    return message(method, target, ("Content-Length: 0",), b"")
