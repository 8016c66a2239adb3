"""The embedded database: SQLite made as strict as MySQL's strict mode."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from legacy import spot_schema
from legacy.spot_schema import TABLES, Table
from legacy.sql import errors, results, sqlite_errors, values
from legacy.sql.errors import DatabaseError
from legacy.sql.statement import Placeholder, Statement

_BUSY_SECONDS = 30.0
_LARGEST_INTEGER = 2**63 - 1
_LARGEST_LIMIT = 2**64 - 1
_MOST_KNOWN_QUERIES = 2048


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _date_format(moment: str | None, date_format: str) -> str | None:
    read = None if moment is None else values.parse_stamp(moment)
    return None if read is None else read.strftime(date_format)


class SqliteDialect:
    """One SQLite file. Every statement is a transaction of its own; writers queue up for 30 seconds."""

    excluded = "excluded.{0}"
    on_conflict = "ON CONFLICT DO UPDATE SET"

    def __init__(self, path: str) -> None:
        self.name = spot_schema.DATABASE_NAME
        self._path = path
        self._readers: dict[str, list[results.Reader]] = {}

    def connect(self) -> sqlite3.Connection:
        try:
            Path(self._path).parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(
                self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = NORMAL")
            self._use_wal(connection)
        except (OSError, sqlite3.Error) as error:
            raise DatabaseError(f"{error}: {self._path}") from error
        connection.create_function("NOW", 0, _now)
        connection.create_function("DATE_FORMAT", 2, _date_format, deterministic=True)
        connection.create_function("FOLD", 1, values.fold, deterministic=True)
        return connection

    @staticmethod
    def _use_wal(connection: sqlite3.Connection) -> None:
        """Switch the file to WAL. SQLite does not wait by itself for other processes that do the same."""
        deadline = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if "is locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    @staticmethod
    def check(connection: sqlite3.Connection) -> None:
        """Nothing: an embedded database does not go away."""

    @staticmethod
    def reset(connection: sqlite3.Connection) -> None:
        """Nothing: a statement leaves nothing behind in an embedded database."""

    @staticmethod
    def close(connection: sqlite3.Connection) -> None:
        connection.close()

    @staticmethod
    def is_lost(error: Exception) -> bool:
        return False

    def create_schema(self, connection: sqlite3.Connection) -> None:
        with _transaction(connection):
            existing = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            for table in TABLES.values():
                if table.name not in existing:
                    connection.execute(spot_schema.sqlite_table(table))
                    for index in spot_schema.sqlite_indexes(table):
                        connection.execute(index)
                columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")}
                for trigger in spot_schema.sqlite_triggers(table, columns):
                    connection.execute(trigger)

    def rows(
        self, connection: sqlite3.Connection, statement: Statement, parameters: Sequence[Any], most: int | None
    ) -> list[dict[str, Any]]:
        """The rows of a query as dicts by column label, at most ``most`` of them."""
        bound = self._bound(statement, parameters)
        try:
            cursor = connection.execute(statement.sqlite, bound)
            names = [column[0] for column in cursor.description or ()]
            raw = cursor.fetchall() if most is None else cursor.fetchmany(most)
            cursor.close()
            reads = self._known_readers(connection, statement)
        except sqlite3.Error as error:
            raise sqlite_errors.translated(connection, error, statement, {}) from error
        return [{name: read(value) for name, read, value in zip(names, reads, row, strict=True)} for row in raw]

    def _known_readers(self, connection: sqlite3.Connection, statement: Statement) -> list[results.Reader]:
        known = self._readers.get(statement.text)
        if known is None:
            known = results.readers(connection, statement.sqlite_without_parameters)
            if len(self._readers) >= _MOST_KNOWN_QUERIES:
                self._readers.clear()
            self._readers[statement.text] = known
        return known

    def write(self, connection: sqlite3.Connection, statement: Statement, parameters: Sequence[Any]) -> int:
        """Run one statement in its own transaction: the new id of an auto-increment table, else the row count."""
        table = TABLES.get((statement.table or "").lower())
        bound = self._bound(statement, parameters)
        with _transaction(connection):
            _check_texts_are_numbers(connection, statement, table, bound)
            try:
                _check_given(statement, table)
                assigned = _assign(statement, table, bound)
            except DatabaseError as error:
                return _refuse_if_reached(connection, statement, bound, error)
            try:
                cursor = connection.execute(statement.sqlite, bound)
            except sqlite3.Error as error:
                raise sqlite_errors.translated(connection, error, statement, assigned) from error
            count, new_id = cursor.rowcount, cursor.lastrowid
        if statement.verb == "INSERT" and table is not None and table.auto_increment and new_id and count > 0:
            return new_id
        return count

    def _bound(self, statement: Statement, parameters: Sequence[Any]) -> list[Any]:
        """The parameters as SQLite takes them, before they become values of columns."""
        if len(parameters) != len(statement.placeholders):
            raise errors.wrong_parameter_count()
        for placeholder, value in zip(statement.placeholders, parameters, strict=True):
            values.check_bindable(value)
            _check_finite(statement, placeholder, value)
            if placeholder.limit:
                _check_limit(statement, placeholder, value)
        return [
            min(value, _LARGEST_INTEGER)
            if placeholder.limit
            else _bindable(value, _kinds(statement, placeholder.compared))
            for placeholder, value in zip(statement.placeholders, map(values.without_offset, parameters), strict=True)
        ]


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that may write from its start, so that it waits for other writers once and never deadlocks."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise sqlite_errors.in_general(error) from error
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _bindable(value: Any, kinds: Set[str]) -> Any:
    """The value as SQLite takes it; ``kinds`` are those of the columns that it may be compared with."""
    if "TIMESTAMP" in kinds:
        value = values.comparable_stamp(value)
    if "CHAR" in kinds and isinstance(value, str):
        # MySQL pads the shorter side of a comparison; a CHAR is kept without spaces at its end.
        value = value.rstrip(" ")
    if isinstance(value, datetime):
        return values.in_utc(value).isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, int) and abs(value) > _LARGEST_INTEGER:
        return float(value) if abs(value) < 1e300 else str(value)
    return value if value is None or isinstance(value, (bool, int, float, str, bytes)) else str(value)


def _kinds(statement: Statement, column: str | None) -> Set[str]:
    """The kinds of the columns of this name in the tables of the statement."""
    if column is None:
        return frozenset()
    tables = (TABLES[name].by_name for name in statement.tables & TABLES.keys())
    return {columns[column.lower()].kind for columns in tables if column.lower() in columns}


def _check_finite(statement: Statement, placeholder: Placeholder, value: Any) -> None:
    """MySQL knows no literal for these and takes the word for the name of a column."""
    if isinstance(value, float) and not math.isfinite(value):
        clause = "WHERE" if placeholder.assigned is None else "VALUES" if statement.verb == "INSERT" else "SET"
        raise errors.unknown_column(str(abs(value)), clause)


def _check_limit(statement: Statement, placeholder: Placeholder, value: Any) -> None:
    """SQLite takes a negative or textual LIMIT; MySQL calls it, and one of more than 64 bits, a syntax error."""
    if isinstance(value, int) and 0 <= value <= _LARGEST_LIMIT:
        return
    shown = "NULL" if value is None else f"'{value}'" if isinstance(value, str) else str(value)
    rest = statement.rest_after(placeholder.start)
    raise errors.syntax(shown + rest, statement.line_of(placeholder.start))


def _check_texts_are_numbers(
    connection: sqlite3.Connection, statement: Statement, table: Table | None, bound: Sequence[Any]
) -> None:
    """1292 where an UPDATE compares a number with a text that is none: MySQL compares them as numbers."""
    if table is None or statement.verb != "UPDATE":
        return
    for placeholder, value in zip(statement.placeholders, bound, strict=True):
        column = table.by_name.get((placeholder.compared or "").lower())
        if column is None or column.kind not in ("CHAR", "VARCHAR") or not isinstance(value, (int, float)):
            continue
        query, taken = statement.texts_compared_at(placeholder)
        for (text,) in connection.execute(query, bound[len(bound) - taken :]):
            if text is not None and not values.is_number(text):
                raise errors.text_as_number(text)


def _check_given(statement: Statement, table: Table | None) -> None:
    """1364 for the first column that must be supplied and is not."""
    if table is None or statement.verb != "INSERT" or not statement.columns:
        return
    given = {column.lower() for column in statement.columns}
    for column in table.columns:
        if column.needs_value and column.name not in given:
            raise errors.no_default(column.name)


def _assign(statement: Statement, table: Table | None, bound: list[Any]) -> Mapping[str, Any]:
    """Turn the parameters that columns keep into stored values, in place; what each column gets is returned."""
    assigned: dict[str, Any] = {}
    for index, placeholder in enumerate(statement.placeholders):
        column = table.by_name.get(placeholder.assigned.lower()) if table and placeholder.assigned else None
        if table is None or column is None:
            continue
        if bound[index] is not None or not placeholder.may_be_null:
            bound[index] = values.stored(table, column, bound[index])
        assigned.setdefault(column.name, bound[index])
    return assigned


def _refuse_if_reached(
    connection: sqlite3.Connection, statement: Statement, bound: Sequence[Any], refusal: DatabaseError
) -> int:
    """Raise the refusal of a value, as MySQL would get to it.

    A statement that names an unknown column fails for that first; an UPDATE that matches no row never looks at
    its values and changes nothing.
    """
    try:
        connection.execute(f"EXPLAIN {statement.sqlite}", [None] * len(bound))
    except sqlite3.Error as error:
        raise sqlite_errors.translated(connection, error, statement, {}) from error
    if statement.verb == "UPDATE" and not _matches(connection, statement, bound):
        return 0
    raise refusal


def _matches(connection: sqlite3.Connection, statement: Statement, bound: Sequence[Any]) -> bool:
    query, taken = statement.probe()
    return connection.execute(query, bound[len(bound) - taken :]).fetchone() is not None
