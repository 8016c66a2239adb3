"""Comparing databases several times in a run."""

from __future__ import annotations

from collections.abc import Set

from migration.compare.knowledge import Knowledge
from migration.compare.registry import Registry, table_route
from migration.compare.verdict import NoisePlace
from migration.state.meeting import Meeting
from migration.state.source import Source
from migration.state.tally import Bench, Place
from migration.state.terms import Terms
from migration.state.verdict import StateVerdict

#: Rows without an equal that are looked at, of each table and side.
MOST_ROWS = 20_000


class DatabaseComparison:
    """Compares databases, and remembers what control taught about itself."""

    def __init__(self, registry: Registry, most_rows: int = MOST_ROWS) -> None:
        self._registry = registry
        self._knowledge = Knowledge(registry.columns)
        self._most_rows = most_rows

    def learn(self, once: Source, again: Source, terms: Terms) -> frozenset[Place]:
        """Compare control with itself; answers the places where it does not agree."""
        bench = Bench(Registry(columns=self._registry.columns))
        meeting = Meeting(once, again, terms, self._knowledge, bench, self._most_rows)
        meeting.hold(learning=True)
        for table in once.tables.values():
            self._knowledge.saw_answer(table_route(table.name))
        for (table_name, place), example in meeting.differing().items():
            values = (example.control, example.candidate)
            self._knowledge.learn_noise(table_route(table_name), place, values, everywhere=False)
        return frozenset(meeting.differing())

    def compare(
        self, control: Source, candidate: Source, terms: Terms, recording: str = "", noisy: Set[Place] = frozenset()
    ) -> StateVerdict:
        """What differs between two databases after ``recording``; ``terms.bindings`` grows by what pairs of rows tell.

        At ``noisy`` places differences are set aside.
        """
        bench = Bench(self._registry, recording, noisy)
        return Meeting(control, candidate, terms, self._knowledge, bench, self._most_rows).hold()

    def noise(self) -> tuple[NoisePlace, ...]:
        """The places where control did not agree with itself: ``table <name>``, and a column or ``missing row``."""
        return self._knowledge.noise()
