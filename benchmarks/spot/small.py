"""Every route of spot at ten agents, native against the bundled monolith, on MariaDB."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import geometric_mean

from benchmarks.ratio import Aim, Effort, Ratio
from benchmarks.spot.data import Scale
from benchmarks.spot.measuring import WAYS, both, turns_of_all_ways
from benchmarks.spot.requests import routes
from benchmarks.spot.sides import both_sides

NAME = "spot"
PATIENCE_SECONDS = 60.0
BUDGET_SECONDS = 20.0
#: One request of a route needs milliseconds, and there are more than fifty routes.
_SHARE = 80


def run(effort: Effort) -> Iterator[Ratio]:
    """How many times as fast the native side answers one caller alone, and ten at once; at last the geometric means."""
    calls = max(4, effort.requests // _SHARE)
    ratios: dict[str, list[float]] = {way.name: [] for way in WAYS}
    scale = Scale(clients=2, agents=10, prices=2000, switches=100)
    with both_sides(scale) as sides:
        spares_are_there = False
        for route in routes(scale):
            if route.uses_up and not spares_are_there:
                sides.load_spares(turns_of_all_ways(calls))
                spares_are_there = True
            for way in WAYS:
                turns = way.turns(calls)
                native, monolith = way.measure(sides.servers, route, turns, PATIENCE_SECONDS, BUDGET_SECONDS)
                ratio = monolith.median / native.median
                ratios[way.name].append(ratio)
                measured = both(native, monolith)
                yield Ratio(NAME, f"{route.name}, {way.name}", ratio, measured, Aim(1.0, at_least=True))
    for name, found in ratios.items():
        mean = geometric_mean(found)
        yield Ratio(NAME, f"geometric mean, {name}", mean, f"{len(found)} routes", Aim(1.5, at_least=True))
