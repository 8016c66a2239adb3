"""How long callers wait."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median

from benchmarks.caller import Caller
from benchmarks.ratio import Effort
from benchmarks.servers import Server


def seconds_per_call(servers: Sequence[Server], request: bytes, effort: Effort) -> list[float]:
    """The median of each server's answering times, called alone and in turns."""
    waits: list[list[float]] = [[] for _ in servers]
    with ExitStack() as stack:
        callers = [stack.enter_context(Caller(server.port)) for server in servers]
        for _ in range(effort.rounds):
            for caller, seen in zip(callers, waits, strict=True):
                for _ in range(max(1, effort.requests // effort.rounds)):
                    began = time.perf_counter()
                    caller.call(request)
                    seen.append(time.perf_counter() - began)
    return [median(seen) for seen in waits]
