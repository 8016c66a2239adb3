"""How long both sides take for a route, in turns: for one caller alone, and for ten at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks import crowd
from benchmarks.caller import Caller
from benchmarks.servers import Server
from benchmarks.spot.data import ASKING
from benchmarks.spot.requests import Route

WARM_UP = 3
IN_A_ROW = 10
ROUNDS = 20


@dataclass(slots=True)
class Waits:
    """What answers of one side took, in seconds each. `gave_up_after` so many where one did not come in time."""

    seconds: list[float] = field(default_factory=list)
    status: int = 0
    gave_up_after: float | None = None

    @property
    def median(self) -> float:
        """Of what was measured; where one was given up, what it took at least."""
        return median(self.seconds) if self.gave_up_after is None else self.seconds[-1]

    def __str__(self) -> str:
        if self.gave_up_after is not None:
            return f"no answer within {self.gave_up_after:.0f} s"
        return f"{self.median * 1e3:.2f} ms"


def both(native: Waits, monolith: Waits) -> str:
    """What was measured of both sides, and how they answered where that was not with 200."""
    measured = f"{native} / {monolith}"
    if (native.status, monolith.status) != (200, 200):
        measured += f", answers {native.status} / {monolith.status}"
    return measured


def alone(servers: Sequence[Server], route: Route, turns: range, patience: float, budget: float) -> list[Waits]:
    """Ask each of `servers` a few times in a row, in turns, none for much longer than `budget` seconds.

    In a row, because a side that has just walked through much of its database leaves the processors cold for the other.
    The first answers warm up connections and caches and don't count, unless there are no others.
    """
    waits = [Waits() for _ in servers]
    for first in range(0, len(turns), IN_A_ROW):
        for server, seen in zip(servers, waits, strict=True):
            with Caller(server.port, patience) as caller:
                for turn in turns[first : first + IN_A_ROW]:
                    if seen.gave_up_after is None and sum(seen.seconds) < budget:
                        _ask(caller, route.make(turn), seen, patience)
    for seen in waits:
        if len(seen.seconds) > 2 * WARM_UP:
            del seen.seconds[:WARM_UP]
    return waits


def at_once(servers: Sequence[Server], route: Route, turns: range, patience: float, budget: float) -> list[Waits]:
    """Let ten callers ask each of `servers` in turns, each caller as soon as it has its answer.

    What counts is how long a side is at work for one answer: the time of a round over its answers. Nobody asks again
    when a side has taken `budget` seconds.
    """
    waits = [Waits() for _ in servers]
    each = max(ASKING, len(turns) // ROUNDS)
    for first in range(0, len(turns), each):
        requests = [route.make(turn) for turn in turns[first : first + each]]
        for server, seen in zip(servers, waits, strict=True):
            left = budget - sum(seen.seconds) * each
            if seen.gave_up_after is None and left > 0:
                answered = crowd.ask(server.port, requests, ASKING, patience, left)
                seen.seconds.append(answered.seconds_each)
                seen.status = answered.status
                seen.gave_up_after = patience if answered.in_vain else None
    return waits


@dataclass(frozen=True, slots=True)
class Way:
    """How callers ask: `share` times as many requests as there are for one caller alone, after those of other ways."""

    name: str
    measure: Callable[[Sequence[Server], Route, range, float, float], list[Waits]]
    share: int
    first: int

    def turns(self, calls: int) -> range:
        return range(calls * self.first, calls * (self.first + self.share))


WAYS = (Way("alone", alone, share=1, first=0), Way("ten at once", at_once, share=5, first=1))


def turns_of_all_ways(calls: int) -> int:
    """How many requests all ways make together."""
    return max(way.turns(calls).stop for way in WAYS)


def _ask(caller: Caller, request: bytes, seen: Waits, patience: float) -> None:
    began = time.perf_counter()
    try:
        seen.status, _ = caller.call(request)
    except TimeoutError:
        seen.gave_up_after = patience
    seen.seconds.append(time.perf_counter() - began)
