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
from benchmarks.spot.data import ASKING, Scale, agent_id, client_id, owner_of, place_of, replica_id, token
from benchmarks.spot.spares import spare, spare_command, spare_notice, spare_replica

#: Answers 500 whatever it is asked on the old side, as agents/decisions, available-options and create-emergency-replica
#: do: there is nothing to compare a speed with. Left out too are the four routes that make the old side restart.
BROKEN = "issue-switch-command"
#: Names no command that there is.
UNKNOWN_COMMAND = "commands/1/executed"


@dataclass(frozen=True, slots=True)
class Route:
    """What is asked: `make` gives the request for the n-th time. Those that `uses_up` need the n-th spare thing."""

    name: str
    make: Callable[[int], bytes]
    uses_up: bool = False


def routes(scale: Scale) -> Iterator[Route]:
    """Every route but those that are broken on the old side or restart it; those that use something up come last."""
    yield from _of_agents(scale)
    yield from _of_replicas(scale)
    yield from _of_clients()
    yield from _of_operators(scale)
    yield from _of_agents(scale, ending=True)
    yield from _using_up()


def _always(name: str, request: bytes) -> Route:
    return Route(name, lambda number: request)


def _in_turn(name: str, requests: list[bytes]) -> Route:
    return Route(name, lambda number: requests[number % len(requests)])


def _of_agents(scale: Scale, *, ending: bool = False) -> Iterator[Route]:
    """Each of ten agents asks for itself; `ending`, what takes it offline, for which other routes would miss it."""
    each = [dict(requests_of(_agent(number, scale))) for number in range(ASKING)]
    for name in each[0]:
        if (name == "POST termination") == ending and not name.endswith((BROKEN, UNKNOWN_COMMAND)):
            yield _in_turn(name, [requests[name] for requests in each])


def _agent(number: int, scale: Scale) -> Agent:
    _, kind, zone = place_of(number)
    owner = owner_of(number, scale)
    return Agent(agent_id(number), token(owner), f"agent-{number}", f"i-{number}", kind, zone)


def _of_replicas(scale: Scale) -> Iterator[Route]:
    """Each of ten agents asks and reports for itself: with its token, as agents do for all they ask."""
    paths = [f"/api/agents/{agent_id(number)}/replicas" for number in range(ASKING)]
    tokens = [token(owner_of(number, scale)) for number in range(ASKING)]

    def report(method: str, n: int, what: str, body: dict[str, Any]) -> bytes:
        agent = n % ASKING
        return _json(method, f"{paths[agent]}/{replica_id(agent)}{what}", body, tokens[agent])

    yield _in_turn("GET replicas", [get(path, _bearer(token)) for path, token in zip(paths, tokens, strict=True)])
    yield Route(
        "PUT replicas/<id>",
        lambda n: report("PUT", n, "", {"instance_id": f"i-put-{n}", "status": "ready"}),
    )
    yield Route(
        "POST replicas/<id>/status",
        lambda n: report("POST", n, "/status", {"status": ("ready", "syncing")[n // ASKING % 2]}),
    )
    yield Route(
        "POST replicas/<id>/sync-status",
        lambda n: report(
            "POST",
            n,
            "/sync-status",
            {"sync_status": "syncing", "sync_latency_ms": n, "state_transfer_progress": n % 99},
        ),
    )


def _of_clients() -> Iterator[Route]:
    client, instance = f"/api/client/{client_id(0)}", "/api/client/instances/i-0"
    authorization = _bearer(token(0))
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

    def agent(n: int) -> str:
        return f"/api/client/agents/{agent_id(n % ASKING)}"

    yield Route(
        "POST agents/<id>/toggle-enabled",
        lambda n: _json("POST", f"{agent(n)}/toggle-enabled", {"enabled": n // ASKING % 2 == 1}),
    )
    yield Route(
        "POST agents/<id>/settings",
        lambda n: _json("POST", f"{agent(n)}/settings", {"auto_switch_enabled": n // ASKING % 2 == 1}),
    )
    yield Route(
        "POST agents/<id>/config", lambda n: _json("POST", f"{agent(n)}/config", {"terminateWaitMinutes": 30 + n})
    )
    yield Route(
        "POST instances/<id>/force-switch",
        lambda n: _json("POST", f"/api/client/instances/i-{n % ASKING}/force-switch", {"target": "ondemand"}),
    )


def _of_operators(scale: Scale) -> Iterator[Route]:
    last = client_id(scale.clients - 1)
    for name in (
        *("stats", "agents", "instances", "clients/growth", "activity", "system-health", "ml-models/sessions"),
        "clients",
    ):
        yield _always(f"GET admin/{name}", get(f"/api/admin/{name}"))
    yield _always("GET admin/clients/<id>/token", get(f"/api/admin/clients/{last}/token"))
    yield Route("POST admin/clients/create", lambda n: _json("POST", "/api/admin/clients/create", {"name": f"New {n}"}))


def _using_up() -> Iterator[Route]:
    executed = json.dumps({"success": True, "message": "done"}).encode()
    authorizations = [_bearer(token(0)), _bearer(token(1))]

    def of_agent(use: str, n: int) -> str:
        return f"/api/agents/{agent_id(spare(use, n))}"

    for name, make in (
        (
            "POST commands/<id>/executed",
            lambda n: post(
                f"/api/agents/{agent_id(n % ASKING)}/commands/{spare_command(n)}/executed",
                executed,
                authorizations[n % len(authorizations)],
            ),
        ),
        (
            "POST replicas/<id>/promote",
            lambda n: _json("POST", f"{of_agent('promote', n)}/replicas/{spare_replica('promote', n)}/promote", {}),
        ),
        (
            "DELETE replicas/<id>",
            lambda n: _bare("DELETE", f"{of_agent('delete', n)}/replicas/{spare_replica('delete', n)}"),
        ),
        (
            "POST termination-imminent",
            lambda n: _json(
                "POST",
                f"{of_agent('failover', n)}/termination-imminent",
                {"replica_id": spare_replica("failover", n)},
                token(spare("failover", n)),
            ),
        ),
        (
            "POST replicas",
            lambda n: _json(
                "POST",
                f"{of_agent('create', n)}/replicas",
                {"pool_id": place_of(spare("create", n))[0]},
                token(spare("create", n)),
            ),
        ),
        ("DELETE agents/<id>", lambda n: _bare("DELETE", f"/api/client/agents/{agent_id(spare('create', n))}")),
        (
            "POST notifications/<id>/mark-read",
            lambda n: _bare("POST", f"/api/notifications/{spare_notice(n)}/mark-read"),
        ),
        (
            "POST notifications/mark-all-read",
            lambda n: _json("POST", "/api/notifications/mark-all-read", {"client_id": client_id(spare("create", n))}),
        ),
        (
            "POST regenerate-token",
            lambda n: _bare("POST", f"/api/admin/clients/{client_id(spare('create', n))}/regenerate-token"),
        ),
        (
            "DELETE admin/clients/<id>",
            lambda n: _bare("DELETE", f"/api/admin/clients/{client_id(spare('promote', n))}"),
        ),
    ):
        yield Route(name, make, uses_up=True)


def _json(method: str, target: str, body: dict[str, Any], caller: str | None = None) -> bytes:
    data = json.dumps(body).encode()
    headers = ["Content-Type: application/json", f"Content-Length: {len(data)}"]
    return message(method, target, [*headers, _bearer(caller)] if caller else headers, data)


def _bearer(caller: str) -> str:
    return f"Authorization: Bearer {caller}"


def _bare(method: str, target: str) -> bytes:
    return message(method, target, ("Content-Length: 0",), b"")
