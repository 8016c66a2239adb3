"""Tables and columns that only one side has: candidate may add some, but must not lose what control wrote."""

from __future__ import annotations

from collections.abc import Iterator

from migration.compare.verdict import Kind, RowDifference
from migration.state.layout import Layout
from migration.state.source import Source
from migration.state.tables import Table
from migration.state.tally import Tally
from migration.state.values import record
from migration.state.verdict import TableVerdict


def lost_table(control: Source, table: Table, tally: Tally) -> TableVerdict:
    """The verdict on a table that candidate lacks: all of its rows are missing."""
    names = [column.name for column in table.columns.values()]
    rows = 0
    for row in control.rows(table, table.columns):
        tally.alone(record(names, row), Kind.MISSING)
        rows += 1
    return tally.verdict(rows, 0, note="candidate has no such table")


def new_table(candidate: Source, table: Table) -> str:
    """What is to be said of a table that control lacks."""
    first_column = dict(list(table.columns.items())[:1])
    rows = sum(1 for _ in candidate.rows(table, first_column))
    return f"Only candidate has the table {table.name}; rows in it: {rows:,}."


def lost_columns(control: Source, layout: Layout) -> Iterator[RowDifference]:
    """Columns that candidate lacks and control has values in."""
    for name, column in layout.control.columns.items():
        if name in layout.candidate.columns:
            continue
        example, rows = None, 0
        for (value,) in control.rows(layout.control, {name: column}):
            example = value if example is None else example
            rows += value is not None
        if rows:
            detail = f"candidate has no such column; rows in which control has a value: {rows:,}"
            yield RowDifference(layout.name, (), column.name, Kind.MISSING, control=example, detail=detail)


def new_columns(layout: Layout) -> tuple[list[RowDifference], str]:
    """Columns that control lacks: those without which candidate's table takes no row, and a sentence on the others."""
    added = [column for name, column in layout.candidate.columns.items() if name not in layout.control.columns]
    detail = "control does not know this column, and can't write a row without it"
    needed = [
        RowDifference(layout.name, (), column.name, Kind.ADDED, detail=detail) for column in added if column.needed
    ]
    names = ", ".join(column.name for column in added if not column.needed)
    return needed, f"Only candidate has {names} in the table {layout.name}." if names else ""
