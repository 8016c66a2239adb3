"""Counting what becomes of one table's rows, and judging each difference: noise, accepted, or different."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace

from migration.compare.locations import fold
from migration.compare.registry import Registry
from migration.compare.verdict import Kind, RowDifference, Rule
from migration.state.values import Record
from migration.state.verdict import AcceptedRows, TableVerdict

#: Differences kept of a table; all are counted.
_KEPT = 200

#: A table with a column (without indices), or ``missing row`` and ``added row``.
Place = tuple[str, str]


def place_of(difference: RowDifference) -> Place:
    return difference.table, fold(difference.place)


@dataclass(frozen=True, slots=True)
class Bench:
    """What differences are judged by after ``recording``; at ``noisy`` places control does not agree with itself."""

    registry: Registry = field(default_factory=Registry)
    recording: str = ""
    noisy: Set[Place] = frozenset()

    def rule(self, difference: RowDifference) -> Rule | None:
        return self.registry.explain_row(self.recording, difference)

    def is_noise(self, difference: RowDifference) -> bool:
        return place_of(difference) in self.noisy


class Tally:
    """One table, its rows known by the columns of ``key``."""

    def __init__(self, table: str, key: Sequence[str], bench: Bench) -> None:
        self._table = table
        self._key = key
        self._bench = bench
        self._equal = self._accepted = self._noise = self._different = self._found = 0
        self._explained: dict[Rule, AcceptedRows] = {}
        self._kept: list[RowDifference] = []
        #: An example of what differs at each place.
        self.places: dict[Place, RowDifference] = {}

    def pair(self, differences: list[RowDifference], *, noise: bool = False) -> None:
        """Two rows that belong together; ``noise`` tells that something was set aside already."""
        remaining = accepted = 0
        for difference in differences:
            if self._bench.is_noise(difference):
                noise = True
                continue
            rule = self._bench.rule(difference)
            if rule is None:
                remaining += 1
                self.places.setdefault(place_of(difference), difference)
                if len(self._kept) < _KEPT:
                    self._kept.append(difference)
            else:
                accepted += 1
                known = self._explained.get(rule)
                count, example = (known.count + 1, known.example) if known else (1, difference)
                self._explained[rule] = AcceptedRows(rule, count, example)
        self._found += remaining
        if remaining:
            self._different += 1
        elif accepted:
            self._accepted += 1
        elif noise:
            self._noise += 1
        else:
            self._equal += 1

    def alone(self, row: Record, kind: Kind) -> None:
        """A row that only control has (``missing``) or only candidate (``added``)."""
        difference = RowDifference(self._table, self.key(row), "", kind)
        if kind is Kind.MISSING:
            self.pair([replace(difference, control=row)])
        else:
            self.pair([replace(difference, candidate=row)])

    def key(self, row: Record) -> tuple[tuple[str, object], ...]:
        """The names and values of a row's key columns."""
        return tuple((column, row[column]) for column in self._key)

    def too_many(self, rows: int) -> None:
        """So many rows have no equal that they weren't looked at: each is a difference of its own."""
        self._different += rows
        self._found += rows

    def verdict(self, control_rows: int, candidate_rows: int, settled: int = 0, note: str = "") -> TableVerdict:
        """What was counted; ``settled`` rows beside it were equal at first sight."""
        return TableVerdict(
            table=self._table,
            control_rows=control_rows,
            candidate_rows=candidate_rows,
            equal=settled + self._equal,
            accepted=self._accepted,
            noise=self._noise,
            different=self._different,
            found=self._found,
            differences=tuple(self._kept),
            explained=tuple(self._explained.values()),
            note=note,
        )
