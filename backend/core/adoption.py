"""Looking at a database that is older than its first revision: does it fit, and what else is in it?"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Inspector, MetaData, Table, TextClause, UniqueConstraint, inspect, text
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import ReflectedPrimaryKeyConstraint
from sqlalchemy.types import NullType, TypeEngine

from backend.core.column_capacity import can_hold
from backend.core.database_events import ENABLED

Columns = tuple[str, ...]

PROGRAMS = {
    "triggers": "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE() ORDER BY 1",
    "procedures": "SELECT routine_name FROM information_schema.routines WHERE routine_schema = DATABASE() ORDER BY 1",
}


@dataclass(frozen=True)
class Survey:
    """What a database lacks of a baseline, and what it has beside it.

    `problems` are sentences, one for everything that makes the database unfit. `left_alone` are the names of what the
    baseline does not know, by kind. `missing_indexes` are `table (columns)`; the database works without them.
    """

    problems: tuple[str, ...]
    left_alone: Mapping[str, tuple[str, ...]]
    missing_indexes: tuple[str, ...]


def survey(connection: Connection, baseline: MetaData) -> Survey:
    """Compare the database of `connection` with `baseline`. Names are compared without case."""
    inspector = inspect(connection)
    present = {name.lower(): name for name in inspector.get_table_names()}
    problems: list[str] = []
    missing_indexes: list[str] = []
    unknown_columns: list[str] = []
    unknown_indexes: list[str] = []
    for table in baseline.sorted_tables:
        if table.name not in present:
            problems.append(f"table {table.name} is missing")
            continue
        columns = {column["name"].lower(): column for column in inspector.get_columns(present[table.name])}
        indexes = _indexes(inspector, present[table.name])
        problems += _unfit_columns(table, columns, connection.dialect)
        problems += _unfit_key(table, inspector.get_pk_constraint(present[table.name]))
        missing_indexes += _missing_indexes(table, indexes.values())
        unknown_columns += (f"{table.name}.{name}" for name in columns if name not in table.columns)
        unknown_indexes += (f"{table.name}.{name}" for name in _unknown_indexes(table, indexes))
    beside = {
        "tables": [present[name] for name in sorted(present.keys() - baseline.tables.keys())],
        "columns": unknown_columns,
        "indexes": unknown_indexes,
        "views": sorted(inspector.get_view_names()),
    }
    if connection.dialect.name == "mysql":
        beside |= {kind: list(connection.scalars(text(query))) for kind, query in PROGRAMS.items()}
    left_alone = {kind: tuple(names) for kind, names in beside.items() if names}
    return Survey(tuple(problems), left_alone, tuple(missing_indexes))


def events_at_work(connection: Connection, known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The events that MySQL itself runs in this database: their names, and what to do about them.

    `known` says by name what an event does.
    """
    if connection.dialect.name != "mysql":
        return
    for name in sorted(connection.execute(ENABLED).scalars()):
        advice = f"once this side's jobs run, end it with DROP EVENT `{name}`"
        yield name, f"it {known[name]}; {advice}" if name in known else "what it does is not known here"


def _unfit_columns(table: Table, present: Mapping[str, Any], dialect: Dialect) -> Iterator[str]:
    for column in table.columns:
        found = present.get(column.name)
        place = f"table {table.name}: column {column.name}"
        if found is None:
            yield f"{place} is missing"
            continue
        if not can_hold(found["type"], column.type, dialect):
            is_type, needed = (_worded(kind, dialect) for kind in (found["type"], column.type))
            yield f"{place} is {is_type}, which cannot hold every {needed}"
        if column.nullable and not found["nullable"] and found.get("default") is None:
            yield f"{place} does not allow NULL"
    for name, found in present.items():
        filled = found["nullable"] or found.get("autoincrement") is True or "computed" in found or "identity" in found
        if name not in table.columns and not filled and found.get("default") is None:
            yield f"table {table.name}: column {name}, unknown here, would have to be given a value"


def _unfit_key(table: Table, found: ReflectedPrimaryKeyConstraint) -> Iterator[str]:
    wanted = _names(table.primary_key.columns)
    if _lower(found["constrained_columns"]) != wanted:
        yield f"table {table.name}: its primary key is not {', '.join(wanted)}"


def _worded(kind: TypeEngine[Any], dialect: Dialect) -> str:
    return "of a type unknown here" if isinstance(kind, NullType) else kind.compile(dialect)


def _indexes(inspector: Inspector, table: str) -> dict[str, Columns]:
    """The columns of each index and unique key, by its name."""
    found = {str(index["name"]): _lower(index["column_names"]) for index in inspector.get_indexes(table)}
    return found | {str(key["name"]): _lower(key["column_names"]) for key in inspector.get_unique_constraints(table)}


def _missing_indexes(table: Table, present: Iterable[Columns]) -> list[str]:
    """An index serves the questions of any other that begins with its columns."""
    usable = [_names(table.primary_key.columns), *present]
    missing = (columns for columns in _wanted(table) if not any(index[: len(columns)] == columns for index in usable))
    return [f"{table.name} ({', '.join(columns)})" for columns in dict.fromkeys(missing)]


def _unknown_indexes(table: Table, present: Mapping[str, Columns]) -> list[str]:
    """MySQL makes indexes for foreign keys by itself, so those are not unknown."""
    known = {*_wanted(table), *(_names(key.columns) for key in table.foreign_key_constraints)}
    return [name for name, columns in present.items() if columns not in known]


def _wanted(table: Table) -> Iterator[Columns]:
    yield from (_names(key.columns) for key in table.constraints if isinstance(key, UniqueConstraint))
    for index in table.indexes:
        yield tuple(
            expression.text.removesuffix(" DESC") if isinstance(expression, TextClause) else str(expression.key)  # type: ignore[union-attr]
            for expression in index.expressions
        )


def _names(columns: Iterable[Column[Any]]) -> Columns:
    return tuple(column.name for column in columns)


def _lower(names: Iterable[str | None]) -> Columns:
    return tuple(str(name).lower() for name in names)
