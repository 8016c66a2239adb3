"""A small bench for comparing two databases in tests."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import sqlalchemy as sa

from migration.compare.registry import Registry
from migration.state.comparison import MOST_ROWS, DatabaseComparison
from migration.state.source import reading
from migration.state.terms import Terms
from migration.state.verdict import StateVerdict
from migration.targets.database import normalise_url


def execute(url: str, *statements: str) -> None:
    """Run SQL statements in one transaction."""
    engine = sa.create_engine(normalise_url(url), poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


class Bench:
    """Two databases, SQLite ones in ``directory`` unless others are named."""

    def __init__(self, directory: Path, control: str = "", candidate: str = "") -> None:
        self.control = control or f"sqlite:///{directory / 'control.sqlite3'}"
        self.candidate = candidate or f"sqlite:///{directory / 'candidate.sqlite3'}"

    def both(self, *statements: str) -> None:
        for url in (self.control, self.candidate):
            execute(url, *statements)

    def on_control(self, *statements: str) -> None:
        execute(self.control, *statements)

    def on_candidate(self, *statements: str) -> None:
        execute(self.candidate, *statements)

    def compare(
        self,
        terms: Terms | None = None,
        registry: Registry | None = None,
        most_rows: int = MOST_ROWS,
        recording: str = "",
    ) -> StateVerdict:
        comparison = DatabaseComparison(registry or Registry(), most_rows)
        with ExitStack() as stack:
            ours, theirs = (stack.enter_context(reading(url)) for url in (self.control, self.candidate))
            return comparison.compare(ours, theirs, terms or Terms(), recording)


def places(verdict: StateVerdict) -> list[tuple[str, str, str]]:
    """Table, place and kind of every difference."""
    return sorted((found.table, found.place, str(found.kind)) for found in _differences(verdict))


def counts(verdict: StateVerdict) -> dict[str, tuple[int, int, int]]:
    """For each table, the rows that are equal, accepted and different."""
    return {table.table: (table.equal, table.accepted, table.different) for table in verdict.tables}


def _differences(verdict: StateVerdict) -> Iterable:
    return (found for table in verdict.tables for found in table.differences)
