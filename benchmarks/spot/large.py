"""The routes that a large fleet asks most, native against the bundled monolith, on MariaDB.

Twenty clients, ten thousand agents, half a million prices, fifty thousand switches. Where the old side does not answer
within two minutes, two minutes are counted: the true ratio is larger. As in production, a job has added the prices up
by the hour, all but the newest (sides.py says how); the requests still read whatever it has not.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import geometric_mean

from benchmarks.ratio import Aim, Effort, Ratio
from benchmarks.spot.data import Scale
from benchmarks.spot.measuring import WAYS, both
from benchmarks.spot.requests import routes
from benchmarks.spot.sides import both_sides

NAME = "spot-large"
PATIENCE_SECONDS = 120.0
BUDGET_SECONDS = 20.0
_SHARE = 100
ASKED = (
    *("POST heartbeat", "GET config", "GET pending-commands", "POST pricing-report", "POST decide"),
    *("GET admin/stats", "GET admin/instances", "GET client/<id>", "GET client/<id>/agents"),
    *("GET client/<id>/switch-history", "GET instances/<id>/price-history", "GET instances/<id>/metrics"),
    # The last, because the old side's database is busy with it for long after it was given up.
    *("GET notifications", "GET admin/clients"),
)


def run(effort: Effort) -> Iterator[Ratio]:
    """How many times as fast the native side answers one caller alone, and ten at once; at last the geometric means."""
    calls = max(10, effort.requests // _SHARE)
    scale = Scale(clients=20, agents=10_000, prices=500_000, switches=50_000)
    known = {route.name: route for route in routes(scale)}
    ratios: dict[str, list[float]] = {way.name: [] for way in WAYS}
    with both_sides(scale) as sides:
        for name in ASKED:
            for way in WAYS:
                native, monolith = way.measure(
                    sides.servers, known[name], way.turns(calls), PATIENCE_SECONDS, BUDGET_SECONDS
                )
                ratio = monolith.median / native.median
                ratios[way.name].append(ratio)
                yield Ratio(NAME, f"{name}, {way.name}", ratio, both(native, monolith))
    for asked, found in ratios.items():
        mean = geometric_mean(found)
        yield Ratio(NAME, f"geometric mean, {asked}", mean, f"{len(found)} routes", Aim(10.0, at_least=True))
