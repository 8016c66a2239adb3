"""What SQLite refuses, in MySQL's words. SQLite says little, so the statement is asked for the rest."""

import sqlite3

from sqlalchemy import ForeignKeyConstraint, Table, UniqueConstraint, bindparam, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection

from backend.core.database_errors import (
    StatementRefusedError,
    broken_foreign_key,
    duplicate_entry,
    table_and_values,
)

DIALECT = sqlite.dialect()


def from_sqlite(error: sqlite3.Error, context: ExceptionContext) -> StatementRefusedError:
    """The refusal behind `error`."""
    text = str(error)
    if text == "FOREIGN KEY constraint failed":
        return broken_foreign_key(_first_missing_parent(context))
    if text.startswith("UNIQUE constraint failed: "):
        return _duplicate(context, text.removeprefix("UNIQUE constraint failed: "))
    if text.startswith("NOT NULL constraint failed: "):
        return StatementRefusedError(1048, f"Column '{text.rpartition('.')[2]}' cannot be null")
    if text.startswith("CHECK constraint failed: "):
        return StatementRefusedError(4025, f"CONSTRAINT `{text.partition(': ')[2]}` failed")
    if "database is locked" in text:
        return StatementRefusedError(1205, "Lock wait timeout exceeded; try restarting transaction")
    if text.startswith("no such table: "):
        return StatementRefusedError(1146, f"Table '{text.removeprefix('no such table: ')}' doesn't exist")
    return StatementRefusedError(1105, text)


def _first_missing_parent(context: ExceptionContext) -> ForeignKeyConstraint | None:
    """SQLite does not say which key failed: look for the first one whose parent row is missing."""
    table, values = table_and_values(context)
    if table is None or context.connection is None:
        return None
    raw: DBAPIConnection = context.connection.connection.dbapi_connection  # type: ignore[assignment]
    for constraint in sorted(table.foreign_key_constraints, key=lambda key: str(key.name)):
        (reference,) = constraint.elements
        value = values.get(reference.parent.key)
        if value is not None:
            parent = reference.column
            cursor = raw.cursor()
            cursor.execute(str(select(parent).where(parent == bindparam("value")).compile(dialect=DIALECT)), (value,))
            if cursor.fetchone() is None:
                return constraint
    return None


def _duplicate(context: ExceptionContext, columns: str) -> StatementRefusedError:
    table, values = table_and_values(context)
    names = [column.rpartition(".")[2] for column in columns.split(", ")]
    return duplicate_entry([values.get(name) for name in names], _key_name(table, names))


def _key_name(table: Table | None, columns: list[str]) -> str:
    for constraint in table.constraints if table is not None else ():
        if isinstance(constraint, UniqueConstraint) and [column.name for column in constraint.columns] == columns:
            return str(constraint.name or columns[0])
    return "PRIMARY"
