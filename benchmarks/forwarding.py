"""What forwarding a request costs the process that forwards, and the caller that waits."""

from __future__ import annotations

import itertools
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from statistics import median

from benchmarks import apps
from benchmarks.caller import Caller, get
from benchmarks.latency import seconds_per_call
from benchmarks.processors import REST, confined_to
from benchmarks.ratio import Aim, Effort, Ratio
from benchmarks.servers import Server, gunicorn, idle_upstream
from migration.ledger import Ledger
from migration.ledger.routes import RouteKey

NAME = "forwarding"
#: Connections that are kept busy while processor time is measured, as a worker's are in production.
_CALLERS = 4
#: As many routes as the bundled monolith has, and many agents, so that finding a route costs what it costs there.
_OTHER_ROUTES = 62
_AGENTS = 250
_HALF = Aim(0.5)


def run(effort: Effort) -> Iterator[Ratio]:
    """Processor time of a worker against a Flask view's and a bare application's; latency against the upstream's."""
    with ExitStack() as stack:
        ledger = f"sqlite:///{Path(stack.enter_context(tempfile.TemporaryDirectory())) / 'ledger.sqlite3'}"
        Ledger(ledger).seed(apps.DOMAIN, _routes())
        environment = {"CUTOVER_LEDGER_URL": ledger}
        yield from _processor_time(environment, effort)
        yield from _latency(environment, effort)


def _processor_time(environment: dict[str, str], effort: Effort) -> Iterator[Ratio]:
    requests = [get(f"/api/agents/{uuid.uuid4()}/config") for _ in range(_AGENTS)]
    costs: dict[str, list[float]] = {"bare": [], "flask_view()": [], "proxy()": []}
    with ExitStack() as stack:
        environment = {**environment, "BENCHMARK_UPSTREAM": stack.enter_context(idle_upstream())}
        servers = {app: stack.enter_context(_serving(app, environment)) for app in costs}
        stack.enter_context(confined_to(REST))
        for _ in range(effort.rounds):
            for app, server in servers.items():
                costs[app].append(_cpu_seconds_per_request(server, requests, effort.requests))
    bare, flask, forwarding = (median(seconds) * 1e6 for seconds in costs.values())
    yield Ratio(
        NAME,
        "CPU of forwarding / of a Flask view, both with gunicorn's share",
        forwarding / flask,
        f"{forwarding:.0f} µs / {flask:.0f} µs",
        _HALF,
    )
    own, flasks_own = forwarding - bare, flask - bare
    yield Ratio(
        NAME,
        "CPU of forwarding / of a Flask view, both above a bare WSGI application",
        max(own, 0.0) / flasks_own if flasks_own > 0 else float("inf"),
        f"{own:.0f} µs / {flasks_own:.0f} µs, above {bare:.0f} µs",
        _HALF,
    )


def _latency(environment: dict[str, str], effort: Effort) -> Iterator[Ratio]:
    with ExitStack() as stack:
        upstream = stack.enter_context(gunicorn("benchmarks.apps:flask_view()", ready=apps.TARGET, processors=REST))
        proxy = stack.enter_context(_serving("proxy()", {**environment, "BENCHMARK_UPSTREAM": upstream.url}))
        stack.enter_context(confined_to(REST))
        direct, forwarded = seconds_per_call((upstream, proxy), get(apps.TARGET), effort)
    yield Ratio(
        NAME,
        "median latency, forwarded / direct, of a Flask view",
        forwarded / direct,
        f"{forwarded * 1e6:.0f} µs / {direct * 1e6:.0f} µs",
    )


def _routes() -> list[RouteKey]:
    return [("GET", apps.RULE), *(("GET", f"/api/resource{number}/<id>") for number in range(_OTHER_ROUTES))]


def _serving(app: str, environment: dict[str, str]) -> AbstractContextManager[Server]:
    return gunicorn(f"benchmarks.apps:{app}", environment, ready=apps.TARGET)


def _cpu_seconds_per_request(server: Server, requests: list[bytes], count: int) -> float:
    rounds = max(1, count // _CALLERS)
    next_request = itertools.cycle(requests).__next__
    with ExitStack() as stack:
        callers = [stack.enter_context(Caller(server.port)) for _ in range(_CALLERS)]
        before = server.cpu_seconds()
        for _ in range(rounds):
            for caller in callers:
                caller.send(next_request())
            for caller in callers:
                caller.receive()
        return (server.cpu_seconds() - before) / (rounds * _CALLERS)
