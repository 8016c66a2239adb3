"""What a run showed of both sides' databases, as reports may show it: masked and bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from migration.compare.verdict import Kind, RowDifference, Rule
from migration.report.limits import Limits
from migration.report.secrets import Masker, StandIn
from migration.report.text import bounded, shorten
from migration.state.verdict import StateVerdict, TableVerdict

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TableRow:
    """One table in all recordings together: rows on each side, and pairs of rows by what became of them."""

    table: str
    control_rows: int = 0
    candidate_rows: int = 0
    equal: int = 0
    accepted: int = 0
    noise: int = 0
    different: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowFinding:
    """A difference between the databases. ``place`` is a column, ``missing row`` or ``added row``."""

    recording: str
    table: str
    key: tuple[tuple[str, Any], ...]
    place: str
    kind: Kind
    control: Any
    candidate: Any
    detail: str

    @property
    def name(self) -> str:
        return f"{self.table}.{self.place}" if " " not in self.place else f"{self.table}: {self.place}"


@dataclass(frozen=True, slots=True)
class AcceptedInTables:
    """What one rule explained: how many differences, in which tables, and the first of them."""

    rule: Rule
    count: int
    tables: tuple[str, ...]
    example: RowFinding


@dataclass(frozen=True, slots=True)
class Databases:
    """``compared`` and ``skipped`` count recordings after which the databases were, and were not, compared.

    ``found`` counts differences, of which ``findings`` are kept. ``ignored`` are tables with the reason why.
    """

    compared: int = 0
    tables: tuple[TableRow, ...] = ()
    findings: tuple[RowFinding, ...] = ()
    found: int = 0
    accepted: tuple[AcceptedInTables, ...] = ()
    ignored: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether nothing speaks against parity; true where nothing was compared."""
        return not self.found and not self.errors

    @property
    def rows(self) -> int:
        """Rows that were compared, on the side that has more of them."""
        return sum(max(row.control_rows, row.candidate_rows) for row in self.tables)

    @property
    def used(self) -> tuple[TableRow, ...]:
        """The tables that are not empty on both sides."""
        return tuple(row for row in self.tables if row.control_rows or row.candidate_rows or row.different)

    @property
    def shown(self) -> bool:
        """Whether there is anything to be said."""
        return bool(self.compared or self.skipped or self.errors)

    @property
    def places(self) -> list[list[RowFinding]]:
        """The findings by table, column and kind, most frequent first."""
        groups: dict[tuple[str, Kind], list[RowFinding]] = {}
        for finding in self.findings:
            groups.setdefault((finding.name, finding.kind), []).append(finding)
        return sorted(groups.values(), key=len, reverse=True)

    @property
    def different_tables(self) -> int:
        return sum(1 for row in self.tables if row.different)


@dataclass(slots=True)
class DatabasesBuilder:
    """Folds the verdicts on the databases into :class:`Databases` while they come."""

    stand_in: StandIn
    limits: Limits
    uses: Counter[Rule] = field(default_factory=Counter)
    _known: Databases = field(default_factory=Databases)
    _tables: dict[str, TableRow] = field(default_factory=dict)
    _findings: list[RowFinding] = field(default_factory=list)
    _accepted: dict[Rule, AcceptedInTables] = field(default_factory=dict)

    def add(self, recording: str, verdict: StateVerdict) -> None:
        """Take what was found after ``recording``."""
        known, masker = self._known, Masker(self.stand_in)
        for table in verdict.tables:
            _learn_secrets(masker, table)
        for table in verdict.tables:
            self._add_table(recording, table, masker)
        self._known = replace(
            known,
            compared=known.compared + (verdict.error is None and verdict.skipped is None),
            found=known.found + sum(table.found for table in verdict.tables),
            ignored=_together(known.ignored, [(table.table, table.reason) for table in verdict.ignored]),
            notes=_together(known.notes, verdict.notes),
            skipped=_together(known.skipped, [verdict.skipped] if verdict.skipped else []),
            errors=_together(known.errors, [masker.text(f"{recording}: {verdict.error}")] if verdict.error else []),
        )

    @property
    def databases(self) -> Databases:
        """What is known so far."""
        return replace(
            self._known,
            tables=tuple(self._tables[name] for name in sorted(self._tables)),
            findings=tuple(self._findings),
            accepted=tuple(sorted(self._accepted.values(), key=lambda row: -row.count)),
        )

    def _add_table(self, recording: str, verdict: TableVerdict, masker: Masker) -> None:
        row = self._tables.get(verdict.table, TableRow(verdict.table))
        note = [f"{recording}: {verdict.note}"] if verdict.note else []
        self._tables[verdict.table] = TableRow(
            table=verdict.table,
            control_rows=row.control_rows + verdict.control_rows,
            candidate_rows=row.candidate_rows + verdict.candidate_rows,
            equal=row.equal + verdict.equal,
            accepted=row.accepted + verdict.accepted,
            noise=row.noise + verdict.noise,
            different=row.different + verdict.different,
            notes=_together(row.notes, note),
        )
        room = self.limits.rows - len(self._findings)
        self._findings += [self._finding(recording, found, masker) for found in verdict.differences[:room]]
        for explained in verdict.explained:
            self.uses[explained.rule] += explained.count
            known = self._accepted.get(explained.rule)
            self._accepted[explained.rule] = AcceptedInTables(
                rule=explained.rule,
                count=(known.count if known else 0) + explained.count,
                tables=_together(known.tables if known else (), [verdict.table]),
                example=known.example if known else self._finding(recording, explained.example, masker),
            )

    def _finding(self, recording: str, found: RowDifference, masker: Masker) -> RowFinding:
        limit = self.limits.value_characters
        control, candidate = (
            bounded(_masked(masker, found.column, value), limit) for value in (found.control, found.candidate)
        )
        return RowFinding(
            recording=recording,
            table=found.table,
            key=tuple((name, bounded(_masked(masker, name, value), limit)) for name, value in found.key),
            place=found.place,
            kind=found.kind,
            control=control,
            candidate=candidate,
            detail=shorten(masker.detail(found.column, found.detail), limit),
        )


def _masked(masker: Masker, column: str, value: Any) -> Any:
    return masker.at(f"row.{column}", value)


def _learn_secrets(masker: Masker, table: TableVerdict) -> None:
    """Show ``masker`` the secrets in a table, so that it finds them where nothing names them."""
    for found in (*table.differences, *(explained.example for explained in table.explained)):
        for column, value in (*found.key, (found.column, found.control), (found.column, found.candidate)):
            _masked(masker, column, value)


def _together(known: tuple[T, ...], new: Sequence[T]) -> tuple[T, ...]:
    """Both in order, each once."""
    return tuple(dict.fromkeys((*known, *new)))
