"""How long both sides take for a route, asked in turns; what takes too long is given up and says so."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks.caller import Caller
from benchmarks.servers import Server
from benchmarks.spot.requests import Route

WARM_UP = 3


@dataclass(slots=True)
class Waits:
    """The answering times of one side, in seconds. `gave_up` where the last one was not answered in time."""

    seconds: list[float] = field(default_factory=list)
    status: int = 0
    gave_up: bool = False

    @property
    def median(self) -> float:
        """Of what was measured; for an unanswered request, the time after which it was given up."""
        return median(self.seconds)

    def __str__(self) -> str:
        if self.gave_up:
            return f"no answer within {self.seconds[-1]:.0f} s"
        return f"{self.median * 1e3:.2f} ms"


def measure(servers: Sequence[Server], route: Route, calls: int, patience: float, budget: float) -> list[Waits]:
    """Ask each of `servers` `calls` times, in turns and alone, but none for much longer than `budget` seconds in all.

    The first answers warm up connections and caches and don't count, unless there are no others.
    """
    waits = [Waits() for _ in servers]
    for turn in range(calls):
        for server, seen in zip(servers, waits, strict=True):
            if not seen.gave_up and sum(seen.seconds) < budget:
                _ask(server, route.make(turn), seen, patience)
    for seen in waits:
        if len(seen.seconds) > 2 * WARM_UP:
            del seen.seconds[:WARM_UP]
    return waits


def _ask(server: Server, request: bytes, seen: Waits, patience: float) -> None:
    began = time.perf_counter()
    try:
        with Caller(server.port, patience) as caller:
            connected = time.perf_counter()
            seen.status, _ = caller.call(request)
            seen.seconds.append(time.perf_counter() - connected)
    except TimeoutError:
        seen.gave_up = True
        seen.seconds.append(time.perf_counter() - began)
