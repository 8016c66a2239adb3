"""Rows that have no equal on the other side, with what is needed to pair them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from migration.compare.context import Context
from migration.compare.sketching import Names, Sketcher
from migration.compare.times import parse_time
from migration.state.layout import Layout
from migration.state.tables import ColumnKind
from migration.state.values import Record

#: Where rows are found, as locations of a comparison.
ROW = "row"

#: Columns with what they say.
RecordSketch = frozenset[tuple[str, Hashable]]


@dataclass(slots=True)
class Leftover:
    """One table's rows without an equal: ``rows`` of control and of candidate, in the order of their times.

    ``open`` are the indices of those that have no partner yet.
    """

    layout: Layout
    context: Context
    rows: tuple[list[Record], list[Record]]
    open: tuple[dict[int, None], dict[int, None]] = field(init=False)
    sketcher: Sketcher = field(init=False)

    def __post_init__(self) -> None:
        for records in self.rows:
            records.sort(key=self._order)
        self.open = (dict.fromkeys(range(len(self.rows[0]))), dict.fromkeys(range(len(self.rows[1]))))
        self.sketcher = Sketcher(ROW, self.context)

    def _order(self, record: Record) -> tuple[tuple[float, ...], int]:
        number = record.get(self.layout.numbered) if self.layout.numbered else None
        return self.times(record), number if isinstance(number, int) else 0

    def times(self, record: Record) -> tuple[float, ...]:
        """The moments in a row's time columns, in epoch seconds; 0 where there is none."""
        written = [record[name] for name, column in self.layout.columns.items() if column.kind is ColumnKind.TIME]
        moments = (parse_time(text) if isinstance(text, str) else None for text in written)
        return tuple(moment.epoch if moment else 0.0 for moment in moments)

    def sketch(self, side: int, at: int, names: Names) -> RecordSketch:
        """What the row says, column by column."""
        row = self.rows[side][at]
        return frozenset((column, self.sketcher.member(column, value, names)) for column, value in row.items())

    def key(self, side: int, at: int, columns: Sequence[str], names: Names) -> tuple[Hashable, ...]:
        """What the row's key says, column by column."""
        row = self.rows[side][at]
        return tuple(self.sketcher.member(column, row[column], names) for column in columns)

    def take(self, ours: int, theirs: int) -> None:
        """The two rows are partners."""
        del self.open[0][ours]
        del self.open[1][theirs]
