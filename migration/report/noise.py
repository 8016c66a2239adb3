"""Noise of a run: where control disagreed with itself, and how often that explained a difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from migration.compare.locations import fold
from migration.compare.verdict import NoisePlace
from migration.report.masked import MaskedVerdict
from migration.report.model import NoiseRow
from migration.report.secrets import Masker, StandIn
from migration.report.text import bounded

Place = tuple[str, str]


class NoiseRows:
    """Gathers noisy places by route and location, list indices left out."""

    def __init__(self, stand_in: StandIn, value_characters: int) -> None:
        self._stand_in = stand_in
        self._limit = value_characters
        self._learned: dict[Place, NoisePlace] = {}
        self._set_aside: Counter[Place] = Counter()
        self._examples: dict[Place, tuple[Any, Any]] = {}
        self.runs = 0

    def learn(self, runs: int, places: Iterable[NoisePlace]) -> None:
        """Take what control-against-control runs showed."""
        self.runs += runs
        for learned in places:
            place = learned.route, fold(learned.location)
            masker = Masker(self._stand_in)
            first, second = (bounded(masker.at(place[1], value), self._limit) for value in learned.example)
            self._learned[place] = learned
            self._examples[place] = first, second

    def set_aside(self, masked: MaskedVerdict) -> None:
        """Count what the comparison of one exchange explained by noise."""
        for difference in masked.verdict.noise:
            place = masked.verdict.route, fold(masked.location(difference))
            self._set_aside[place] += 1
            if place not in self._examples:
                self._examples[place] = masked.values(difference)

    def rows(self) -> tuple[NoiseRow, ...]:
        """The places by route, the noisiest first."""
        rows = [self._row(place) for place in self._examples]
        return tuple(sorted(rows, key=lambda row: (row.route, -row.rate, -row.set_aside, row.location)))

    def _row(self, place: Place) -> NoiseRow:
        learned = self._learned.get(place)
        seen, differed = (learned.seen, learned.differed) if learned else (0, 0)
        return NoiseRow(*place, seen, differed, self._set_aside[place], self._examples[place])
