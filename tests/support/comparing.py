"""A small bench for comparing two answers in tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from migration.compare.answers import compare_answers
from migration.compare.bindings import Bindings
from migration.compare.context import Context
from migration.compare.knowledge import Knowledge
from migration.compare.registry import Place
from migration.compare.times import Clock
from migration.recording.exchange import Response

#: 2026-11-21T03:00:00Z, when both sides are asked unless a test says otherwise.
NOW = 1_795_230_000.0
ROUTE = "GET /things"
JSON_TYPE = ("Content-Type", "application/json")


class Bench:
    """Compares answers one after another, keeping bindings and clocks as a replay does."""

    def __init__(
        self, *places: Place, minted: Callable[[str], bool] = lambda value: False, candidate_late: float = 0.0
    ) -> None:
        self.bindings = Bindings()
        self.knowledge = Knowledge(places, minted)
        self.noise: list[str] = []
        self._clock = Clock()
        self._candidate_sent = NOW + candidate_late

    def answers(self, control: Response, candidate: Response, route: str = ROUTE) -> list[tuple[str, str]]:
        """Location and kind of every difference."""
        self._clock.observe(NOW, self._candidate_sent)
        context = Context(route, self.bindings, self._clock, self.knowledge, NOW, self._candidate_sent)
        found = compare_answers(control, candidate, context)
        self.noise = [difference.location for difference in context.noise]
        return [(difference.location, str(difference.kind)) for difference in found]

    def values(self, control: Any, candidate: Any, route: str = ROUTE) -> list[tuple[str, str]]:
        """The same for two JSON bodies."""
        return self.answers(json_answer(control), json_answer(candidate), route)


def json_answer(value: Any, status: int = 200, *headers: tuple[str, str]) -> Response:
    return Response(status, (JSON_TYPE, *headers), json.dumps(value).encode())
