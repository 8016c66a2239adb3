"""What SQLite reports, in MySQL's numbers and words."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from typing import Any

from legacy.spot_schema import TABLES, Column, Key, Table, check_name
from legacy.sql import errors
from legacy.sql.errors import DatabaseError
from legacy.sql.statement import Statement

_NEAR = re.compile(r'near "(.*)": syntax error', re.S)


def translated(
    connection: sqlite3.Connection, error: sqlite3.Error, statement: Statement, assigned: Mapping[str, Any]
) -> DatabaseError:
    """The DatabaseError for an error of SQLite.

    ``assigned`` holds the values that the statement was to store, by column: MySQL's texts name them, SQLite's
    do not. The connection is asked which parent row is missing.
    """
    message = str(error)
    what, _, detail = message.partition(": ")
    table = TABLES.get((statement.table or "").lower())
    match what:
        case "UNIQUE constraint failed":
            return _duplicate(connection, detail, statement, assigned)
        case "NOT NULL constraint failed":
            return _null(detail, statement)
        case "CHECK constraint failed" if table is not None:
            return _check(detail, table, assigned)
        case "FOREIGN KEY constraint failed":
            return _foreign_key(connection, statement, table, assigned)
        case "no such column":
            return errors.unknown_column(detail, statement.clause_of(detail))
        case "ambiguous column name":
            return errors.ambiguous_column(detail, statement.clause_of(detail))
        case "no such table":
            return errors.no_table(detail.rpartition(".")[2])
        case "no such function":
            return errors.no_function(detail)
        case "datatype mismatch" if table is not None:
            key = table.primary_key.columns[0]
            return errors.incorrect("integer", assigned.get(key, ""), table.name, key)
        case _:
            return _by_text(error, statement)


def in_general(error: sqlite3.Error) -> DatabaseError:
    """The DatabaseError for what may happen to any statement."""
    if "is locked" in str(error):
        return errors.lock_timeout()
    return DatabaseError(str(error))


def _by_text(error: sqlite3.Error, statement: Statement) -> DatabaseError:
    message = str(error)
    if match := re.fullmatch(r"table (\w+) has no column named (\S+)", message):
        return errors.unknown_column(match[2], "INSERT INTO")
    if re.fullmatch(r"\d+ values for \d+ columns|table \w+ has \d+ columns but \d+ values were supplied", message):
        return errors.value_count()
    if match := _NEAR.fullmatch(message):
        start = statement.text.find(match[1])
        return errors.syntax(statement.text[max(start, 0) :].rstrip(), statement.line_of(max(start, 0)))
    if message == "incomplete input":
        return errors.syntax("", statement.line_of(len(statement.text)))
    return in_general(error)


def _duplicate(
    connection: sqlite3.Connection, detail: str, statement: Statement, assigned: Mapping[str, Any]
) -> DatabaseError:
    """The first key that an inserted row breaks, in the order in which MySQL looks at them (SQLite has its own)."""
    if match := re.fullmatch(r"index '(.+)'", detail):
        named = [value for column, value in assigned.items() if column in match[1]]
        return errors.duplicate(named or list(assigned.values())[:1], match[1])
    names = [part.rpartition(".") for part in detail.split(", ")]
    columns = tuple(column for _, _, column in names)
    table = TABLES.get(names[0][0].lower())
    key = table.key_on(columns) if table else None
    if table is not None and statement.verb == "INSERT":
        key = next((other for other in table.keys if other.unique and _taken(connection, table, other, assigned)), key)
        columns = key.columns if key else columns
    return errors.duplicate([assigned.get(column, "") for column in columns], key.name if key else columns[0])


def _taken(connection: sqlite3.Connection, table: Table, key: Key, assigned: Mapping[str, Any]) -> bool:
    if any(assigned.get(column) is None for column in key.columns):
        return False
    where = " AND ".join(f"{column} = ?" for column in key.columns)
    row = connection.execute(f"SELECT 1 FROM {table.name} WHERE {where}", [assigned[name] for name in key.columns])
    return row.fetchone() is not None


def _null(detail: str, statement: Statement) -> DatabaseError:
    column = detail.rpartition(".")[2]
    omitted = statement.verb == "INSERT" and column.lower() not in map(str.lower, statement.columns)
    return errors.no_default(column) if omitted else errors.null_refused(column)


def _check(constraint: str, table: Table, assigned: Mapping[str, Any]) -> DatabaseError:
    """A CHECK of ours is known by its name; one that another program made, by a column that its text names."""
    for column in table.columns:
        if constraint == check_name(table.name, column.name):
            return _refused(table, column, assigned.get(column.name, ""))
    for column in sorted(table.columns, key=lambda column: -len(column.name)):
        if re.search(rf"(?<![a-z]){column.name}(?![a-z])", constraint):
            return _refused(table, column, assigned.get(column.name, ""))
    return errors.check_failed(constraint, table.name)


def _refused(table: Table, column: Column, value: Any) -> DatabaseError:
    match column.kind:
        case "CHAR" | "VARCHAR" | "TEXT":
            return errors.too_long(column.name)
        case "ENUM":
            return errors.truncated(column.name)
        case "TIMESTAMP":
            return errors.incorrect("datetime", value, table.name, column.name)
        case "DATE":
            return errors.incorrect("date", value, table.name, column.name)
        case "JSON":
            return errors.check_failed(f"{table.name}.{column.name}", table.name)
        case _:
            return errors.out_of_range(column.name)


def _foreign_key(
    connection: sqlite3.Connection, statement: Statement, table: Table | None, assigned: Mapping[str, Any]
) -> DatabaseError:
    for foreign_key in table.foreign_keys if table else ():
        value = assigned.get(foreign_key.column)
        if value is None:
            continue
        parent = f"SELECT 1 FROM {foreign_key.parent} WHERE {foreign_key.parent_column} = ?"
        if connection.execute(parent, (value,)).fetchone() is None:
            return errors.no_parent(statement.table or "", foreign_key)
    return errors.no_parent(statement.table or "", None)
