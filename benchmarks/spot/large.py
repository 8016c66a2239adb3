"""The routes that a large fleet asks most, native against the bundled monolith, on MariaDB.

Twenty clients, ten thousand agents, half a million prices, fifty thousand switches; first with nobody else about, then
with a dashboard open. Where a side does not answer in time, that time is counted: the true ratio is larger. As in
production, a job has added the prices up by the hour, all but the newest (sides.py says how); the requests still read
whatever it has not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import geometric_mean

from benchmarks.ratio import Aim, Effort, Ratio
from benchmarks.servers import Server
from benchmarks.spot.dashboard import open_dashboard
from benchmarks.spot.data import Scale
from benchmarks.spot.measuring import WAYS, Waits, Way, both
from benchmarks.spot.requests import Route, routes
from benchmarks.spot.sides import Sides, both_sides

NAME = "spot-large"
PATIENCE_SECONDS = 600.0
BUDGET_SECONDS = 20.0
#: How long a dashboard has been open before anything is measured: until what it asks has piled up where it does.
OPEN_FOR_SECONDS = 240.0
_SHARE = 100
SCALE = Scale(clients=20, agents=10_000, prices=500_000, switches=50_000)
ASKED = (
    *("POST heartbeat", "GET config", "GET pending-commands", "POST pricing-report", "POST decide"),
    *("GET admin/stats", "GET admin/instances", "GET client/<id>", "GET client/<id>/agents"),
    *("GET client/<id>/switch-history", "GET instances/<id>/price-history", "GET instances/<id>/metrics"),
    *("GET notifications", "GET admin/clients"),
)
#: What the old side's database goes on with when it was given up.
LASTING = "GET admin/clients"
Measured = tuple[str, Way, Waits, Waits]


def run(effort: Effort, scale: Scale = SCALE, open_for: float = OPEN_FOR_SECONDS) -> Iterator[Ratio]:
    """How many times as fast the native side answers one caller alone, and ten at once; at last the geometric means."""
    calls = max(10, effort.requests // _SHARE)
    with both_sides(scale) as sides:
        yield from _ratios("", _nobody_else_about(sides, calls))
        yield from _ratios(", dashboard open", _dashboard_open(sides, calls, open_for))


def _nobody_else_about(sides: Sides, calls: int) -> Iterator[Measured]:
    """Both sides in turns, but what lasts: there the native side comes first, and all is quiet again afterwards."""
    for route, way in _questions(sides.scale):
        if route.name != LASTING:
            native, monolith = _measure(sides.servers, route, way, calls)
        else:
            (native,), (monolith,) = [_measure([server], route, way, calls) for server in sides.servers]
            sides.end_statements()
        yield route.name, way, native, monolith


def _dashboard_open(sides: Sides, calls: int, open_for: float) -> Iterator[Measured]:
    """One side after the other, each with a dashboard open: they share a database server, which either keeps busy."""
    measured: list[list[Waits]] = []
    for server in sides.servers:
        with open_dashboard(server, open_for) as closing:
            measured.append([_measure([server], route, way, calls)[0] for route, way in _questions(sides.scale)])
            closing.set()
            sides.end_statements()
    for (route, way), native, monolith in zip(_questions(sides.scale), *measured, strict=True):
        yield route.name, way, native, monolith


def _measure(servers: Sequence[Server], route: Route, way: Way, calls: int) -> list[Waits]:
    return way.measure(servers, route, way.turns(calls), PATIENCE_SECONDS, BUDGET_SECONDS)


def _questions(scale: Scale) -> Iterator[tuple[Route, Way]]:
    known = {route.name: route for route in routes(scale)}
    return ((known[name], way) for name in ASKED for way in WAYS)


def _ratios(circumstances: str, measured: Iterable[Measured]) -> Iterator[Ratio]:
    found: dict[str, list[float]] = {way.name: [] for way in WAYS}
    for name, way, native, monolith in measured:
        ratio = monolith.median / native.median
        found[way.name].append(ratio)
        yield Ratio(NAME, f"{name}, {way.name}{circumstances}", ratio, both(native, monolith))
    for asked, ratios in found.items():
        mean = geometric_mean(ratios)
        counted = f"{len(ratios)} routes"
        yield Ratio(NAME, f"geometric mean, {asked}{circumstances}", mean, counted, Aim(10.0, at_least=True))
