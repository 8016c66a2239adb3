"""How many large, equal JSON answers are compared in a second of processor time."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median

from benchmarks.ratio import Aim, Effort, Ratio
from migration.compare.knowledge import Knowledge
from migration.compare.registry import Registry
from migration.recording.exchange import Exchange, Request, Response
from migration.replay.judge import Answer, Judge

NAME = "comparison"
_ROUTE = "GET /api/client/<client_id>/agents"
_SIZE = 10_000
_WANTED_PER_SECOND = 3000
_NOW = datetime(2026, 11, 21, 3, 12, tzinfo=UTC)
_HEADERS = (("Content-Type", "application/json"), ("Access-Control-Allow-Origin", "*"))


def run(effort: Effort) -> Iterator[Ratio]:
    """Compare answers of 10 KB that are equal, each with identifiers never seen before; also only parse them."""
    compared, parsed = [], []
    for _ in range(effort.rounds):
        bodies = [_body() for _ in range(effort.requests)]
        compared.append(_seconds_each(_comparison(), bodies))
        parsed.append(_seconds_each(lambda body: (json.loads(body), json.loads(body)), bodies))
    comparing, parsing = median(compared), median(parsed)
    yield Ratio(
        NAME,
        f"comparisons of equal 10 KB answers a second and core / {_WANTED_PER_SECOND}",
        1 / comparing / _WANTED_PER_SECOND,
        f"{1 / comparing:.0f}/s / {_WANTED_PER_SECOND}/s",
        Aim(1.0, at_least=True),
    )
    yield Ratio(
        NAME,
        "CPU of comparing two equal 10 KB answers / of parsing both",
        comparing / parsing,
        f"{comparing * 1e6:.0f} µs / {parsing * 1e6:.0f} µs",
    )


def _body() -> bytes:
    """A list of agents like the monolith's, of about :data:`_SIZE` bytes."""
    agents: list[str] = []
    size = 0
    while size < _SIZE:
        agent = {
            "currentPool": f"t3.medium.us-east-1{'abc'[len(agents) % 3]}",
            "enabled": True,
            "id": str(uuid.uuid4()),
            "instanceId": f"i-{uuid.uuid4().hex[:17]}",
            "lastHeartbeat": (_NOW - timedelta(seconds=len(agents))).isoformat(),
            "logicalAgentId": f"fleet-{len(agents)}",
            "riskThreshold": 0.3,
            "status": "online",
        }
        agents.append(json.dumps(agent, separators=(",", ":")))
        size += len(agents[-1]) + 1
    return f"[{','.join(agents)}]\n".encode()


def _comparison() -> Callable[[bytes], object]:
    judge = Judge(Knowledge(), Registry(), 5.0, live=True)
    exchange = Exchange("benchmark", 0, _NOW, Request("GET", "/api/client/1/agents"), None)

    def compare(body: bytes) -> object:
        # Two bytes objects, as two sides send them.
        control, candidate = (Answer(Response(200, _HEADERS, bytes(bytearray(body))), _NOW) for _ in range(2))
        judgement = judge.judge(exchange, _ROUTE, control, candidate)
        if judgement.differences:
            raise AssertionError(judgement.differences)
        return judgement

    return compare


def _seconds_each(action: Callable[[bytes], object], bodies: Sequence[bytes]) -> float:
    began = time.process_time()
    for body in bodies:
        action(body)
    return (time.process_time() - began) / len(bodies)
