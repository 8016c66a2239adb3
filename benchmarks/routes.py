"""How long the native side takes for each of its routes, against the bundled monolith."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path
from statistics import geometric_mean

from benchmarks.agent_requests import Agent, requests_of
from benchmarks.caller import Caller, post
from benchmarks.latency import seconds_per_call
from benchmarks.processors import REST, confined_to
from benchmarks.ratio import Effort, Ratio
from benchmarks.servers import Server, gunicorn

NAME = "routes"
#: Requests that write take milliseconds, and there are fifteen routes: each gets its part of the effort.
_SHARE = 10


def run(effort: Effort) -> Iterator[Ratio]:
    """Median latency per route, native over monolith, on copies of one SQLite database; at last the geometric mean.

    Only routes that both sides answer with success count for the mean.
    """
    share = Effort(effort.rounds, max(1, effort.requests // _SHARE))
    ratios = []
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        old, new = directory / "old.sqlite3", directory / "new.sqlite3"
        monolith = stack.enter_context(_serving("legacy.spot:create_app()", old))
        agent = _register(monolith)
        with closing(sqlite3.connect(old)) as source, closing(sqlite3.connect(new)) as copy:
            source.backup(copy)
        native = stack.enter_context(_serving("backend:create_app()", new))
        stack.enter_context(confined_to(REST))
        for route, request in requests_of(agent):
            statuses = [_status(server, request) for server in (native, monolith)]
            ours, theirs = seconds_per_call((native, monolith), request, share)
            measured = f"{ours * 1e3:.2f} ms / {theirs * 1e3:.2f} ms"
            if max(statuses) < 400:
                ratios.append(ours / theirs)
            else:
                measured += f", answers {statuses[0]} / {statuses[1]}: not in the mean"
            yield Ratio(NAME, f"median latency of {route}, native / monolith", ours / theirs, measured)
    yield Ratio(NAME, "geometric mean of the routes", geometric_mean(ratios), f"{len(ratios)} routes")


def _serving(app: str, database: Path) -> AbstractContextManager[Server]:
    return gunicorn(app, {"SPOT_DATABASE_URL": f"sqlite:///{database}"}, ready="/health")


def _register(monolith: Server) -> Agent:
    """A client and an agent of it, made as operators and agents make them."""
    with Caller(monolith.port) as caller:
        _, answer = caller.call(post("/api/admin/clients/create", b'{"name": "Benchmark"}'))
        token = json.loads(answer)["client"]["token"]
        _, answer = caller.call(requests_of(Agent("", token))[0][1])
        return Agent(json.loads(answer)["agent_id"], token)


def _status(server: Server, request: bytes) -> int:
    with Caller(server.port) as caller:
        return caller.call(request)[0]
