"""What a comparison of two databases says. All values, all frozen."""

from __future__ import annotations

from dataclasses import dataclass

from migration.compare.verdict import RowDifference, Rule


@dataclass(frozen=True, slots=True)
class AcceptedRows:
    """What one rule explained in one table, how often, and the first of it."""

    rule: Rule
    count: int
    example: RowDifference


@dataclass(frozen=True, slots=True)
class TableVerdict:
    """One table: its rows on each side, and pairs of rows by what became of them.

    A row that only one side has counts as one pair. ``found`` counts the differences that remain; the first of them are
    ``differences``. ``note`` tells where not everything could be looked at.
    """

    table: str
    control_rows: int
    candidate_rows: int
    equal: int = 0
    accepted: int = 0
    noise: int = 0
    different: int = 0
    found: int = 0
    differences: tuple[RowDifference, ...] = ()
    explained: tuple[AcceptedRows, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class IgnoredTable:
    table: str
    reason: str


@dataclass(frozen=True, slots=True)
class StateVerdict:
    """The databases of both sides at one moment.

    ``notes`` are sentences about what only one side has and what makes no difference. ``error`` says why the databases
    could not be compared, ``skipped`` why they need not be.
    """

    tables: tuple[TableVerdict, ...] = ()
    ignored: tuple[IgnoredTable, ...] = ()
    notes: tuple[str, ...] = ()
    error: str | None = None
    skipped: str | None = None

    @property
    def equal(self) -> bool:
        """Whether everything could be compared and no difference remains."""
        return self.error is None and not any(table.found for table in self.tables)
