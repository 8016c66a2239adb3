"""How the tables of two databases, maybe of two products, lie on each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from migration.compare.scalars import number_scope, singular
from migration.state.tables import Column, ColumnKind, Table

_ID_COLUMN = re.compile(r"\w+_id|\w*[a-z]I[dD]")


@dataclass(frozen=True, slots=True)
class Layout:
    """The common part of two tables of one name: what is compared. Columns are known by control's spelling.

    ``columns`` says how both sides are to be read. ``keys`` are the primary key, if any, and other unique keys.
    ``scopes`` tells of columns that hold numbers given by the database what these number; ``numbered`` is the one that
    numbers this table's rows, and ``referred`` tells whether other columns may hold its numbers.
    """

    control: Table
    candidate: Table
    columns: Mapping[str, Column]
    key: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    scopes: Mapping[str, str]
    numbered: str | None
    referred: bool

    @property
    def name(self) -> str:
        return self.control.name


def lay(control: Mapping[str, Table], candidate: Mapping[str, Table]) -> list[Layout]:
    """The tables that both sides have; each comes after those that it refers to, as far as that can be."""
    both = {name: (table, candidate[name]) for name, table in control.items() if name in candidate}
    counted = {singular(name) for name, (ours, theirs) in both.items() if ours.numbered or theirs.numbered}
    scopes = {name: dict(_scopes(name, *tables, counted)) for name, tables in both.items()}
    referred = {
        scope
        for name, (ours, theirs) in both.items()
        for column, scope in scopes[name].items()
        if column not in (ours.numbered, theirs.numbered)
    }
    return [_layout(*both[name], scopes[name], singular(name) in referred) for name in _parents_first(both)]


def _layout(ours: Table, theirs: Table, scopes: Mapping[str, str], referred: bool) -> Layout:
    spelling = {name: column.name for name, column in ours.columns.items()}
    columns = {
        spelling[name]: merged(column, theirs.columns[name])
        for name, column in ours.columns.items()
        if name in theirs.columns
    }
    shared = [key for key in (ours.key, *ours.unique) if key and key in (theirs.key, *theirs.unique)]
    keys = tuple(tuple(spelling[name] for name in key) for key in dict.fromkeys(shared))
    numbered = ours.numbered or theirs.numbered
    return Layout(
        control=ours,
        candidate=theirs,
        columns=columns,
        key=tuple(spelling[name] for name in ours.key if name in theirs.columns),
        keys=keys,
        scopes={spelling[name]: scope for name, scope in scopes.items() if spelling[name] in columns},
        numbered=spelling.get(numbered) if numbered else None,
        referred=referred,
    )


def merged(ours: Column, theirs: Column) -> Column:
    """How both columns are to be read so that equal values are equal: by the more telling kind, the finer scale."""
    scales = [scale for scale in (ours.scale, theirs.scale) if scale is not None]
    return Column(
        name=ours.name,
        kind=next(kind for kind in ColumnKind if kind in (ours.kind, theirs.kind)),
        scale=max(scales, default=None),
        padded=ours.padded or theirs.padded,
        counted=ours.counted or theirs.counted,
    )


def _scopes(name: str, ours: Table, theirs: Table, counted: set[str]) -> Iterator[tuple[str, str]]:
    """Columns that hold numbers given by the database: the table's own, foreign keys, and what is called like one."""
    for column, described in ours.columns.items():
        referred = ours.references.get(column) or theirs.references.get(column)
        if column in (ours.numbered, theirs.numbered):
            yield column, singular(name)
        elif referred is not None:
            if singular(referred) in counted:
                yield column, singular(referred)
        elif described.kind is ColumnKind.NUMBER and _ID_COLUMN.fullmatch(described.name):
            scope = number_scope(name, described.name)
            if scope in counted:
                yield column, scope


def _parents_first(both: Mapping[str, tuple[Table, Table]]) -> list[str]:
    parents = {
        name: {*ours.references.values(), *theirs.references.values()} & both.keys() - {name}
        for name, (ours, theirs) in both.items()
    }
    try:
        return list(TopologicalSorter(parents).static_order())
    except CycleError:
        return sorted(both)
