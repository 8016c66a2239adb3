"""Every route of spot at ten agents, native against the bundled monolith, on MariaDB."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import geometric_mean

from benchmarks.ratio import Aim, Effort, Ratio
from benchmarks.spot.data import Scale
from benchmarks.spot.measuring import measure
from benchmarks.spot.requests import routes
from benchmarks.spot.sides import both_sides

NAME = "spot"
PATIENCE_SECONDS = 60.0
BUDGET_SECONDS = 20.0
#: One request of a route needs milliseconds, and there are more than fifty routes.
_SHARE = 80


def run(effort: Effort) -> Iterator[Ratio]:
    """How many times as fast the native side answers, by median latency; at last the geometric mean."""
    calls = max(4, effort.requests // _SHARE)
    scale = Scale(clients=2, agents=10, prices=2000, switches=100, spares=calls)
    ratios = []
    with both_sides(scale) as servers:
        for route in routes(scale):
            native, monolith = measure(servers, route, calls, PATIENCE_SECONDS, BUDGET_SECONDS)
            ratios.append(monolith.median / native.median)
            measured = f"{native} / {monolith}"
            if (native.status, monolith.status) != (200, 200):
                measured += f", answers {native.status} / {monolith.status}"
            yield Ratio(NAME, f"{route.name}, times as fast", ratios[-1], measured, Aim(1.0, at_least=True))
    yield Ratio(NAME, "geometric mean", geometric_mean(ratios), f"{len(ratios)} routes", Aim(1.5, at_least=True))
