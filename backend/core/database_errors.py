"""One wording for what a database refuses: MySQL's numbers and words, whatever the database is."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Table, UniqueConstraint, bindparam, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DontWrapMixin

DIALECT = sqlite.dialect()
DEADLOCK = 1213
SQL_STATES = {
    1044: "42000",
    1045: "28000",
    1046: "3D000",
    1048: "23000",
    1049: "42000",
    1054: "42S22",
    1062: "23000",
    1064: "42000",
    1146: "42S02",
    1213: "40001",
    1264: "22003",
    1265: "01000",
    1292: "22007",
    1366: "22007",
    1406: "22001",
    1451: "23000",
    1452: "23000",
    4025: "23000",
}


class StatementRefusedError(DontWrapMixin, Exception):
    """A statement the database would not carry out, worded `<errno> (<sqlstate>): <message>`."""

    def __init__(self, errno: int, message: str, sqlstate: str | None = None) -> None:
        super().__init__(f"{errno} ({sqlstate or SQL_STATES.get(errno, 'HY000')}): {message}")
        self.errno = errno


class ValueRefusedError(StatementRefusedError):
    """A value its column cannot hold. The old side only met these for rows that a statement really touched."""


class UnsupportedValueError(DontWrapMixin, Exception):
    """A value no database driver takes, such as an object or a list."""

    def __init__(self, value: object) -> None:
        super().__init__(f"Python type {type(value).__name__} cannot be converted")


def translate(context: ExceptionContext) -> None:
    """Engine listener (`handle_error`): raise the driver's complaint as StatementRefusedError instead.

    Statements that are sent as plain text are SQLAlchemy's own probes; it wants to see the driver's errors for them.
    """
    original = context.original_exception
    execution = context.execution_context
    if execution is not None and getattr(execution, "compiled", None) is None:
        return
    if isinstance(original, sqlite3.Error):
        raise _from_sqlite(original, context) from original
    arguments: Sequence[Any] = getattr(original, "args", ())
    if context.sqlalchemy_exception is not None and len(arguments) == 2 and isinstance(arguments[0], int):
        raise StatementRefusedError(arguments[0], str(arguments[1]), getattr(original, "sqlstate", None)) from original


def _from_sqlite(error: sqlite3.Error, context: ExceptionContext) -> StatementRefusedError:
    text = str(error)
    if text == "FOREIGN KEY constraint failed":
        return StatementRefusedError(1452, _broken_foreign_key(context))
    if text.startswith("UNIQUE constraint failed: "):
        return StatementRefusedError(1062, _duplicate(context, text.removeprefix("UNIQUE constraint failed: ")))
    if text.startswith("NOT NULL constraint failed: "):
        return StatementRefusedError(1048, f"Column '{text.rpartition('.')[2]}' cannot be null")
    if text.startswith("CHECK constraint failed: "):
        return StatementRefusedError(4025, f"CONSTRAINT `{text.partition(': ')[2]}` failed")
    if "database is locked" in text:
        return StatementRefusedError(1205, "Lock wait timeout exceeded; try restarting transaction")
    if text.startswith("no such table: "):
        return StatementRefusedError(1146, f"Table '{text.removeprefix('no such table: ')}' doesn't exist")
    return StatementRefusedError(1105, text)


def _broken_foreign_key(context: ExceptionContext) -> str:
    """SQLite does not say which key failed: look for the first one whose parent row is missing."""
    broken = _first_missing_parent(context)
    if broken is None:
        return "Cannot add or update a child row: a foreign key constraint fails"
    (reference,) = broken.elements
    return (
        "Cannot add or update a child row: a foreign key constraint fails "
        f"(`main`.`{broken.table.name}`, CONSTRAINT `{broken.name}` FOREIGN KEY (`{reference.parent.name}`) "
        f"REFERENCES `{reference.column.table.name}` (`{reference.column.name}`) ON DELETE {broken.ondelete})"
    )


def _first_missing_parent(context: ExceptionContext) -> ForeignKeyConstraint | None:
    table, values = _table_and_values(context)
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


def _duplicate(context: ExceptionContext, columns: str) -> str:
    table, values = _table_and_values(context)
    names = [column.rpartition(".")[2] for column in columns.split(", ")]
    entry = "-".join(str(values.get(name)) for name in names)
    return f"Duplicate entry '{entry}' for key '{_key_name(table, names)}'"


def _key_name(table: Table | None, columns: list[str]) -> str:
    for constraint in table.constraints if table is not None else ():
        if isinstance(constraint, UniqueConstraint) and [column.name for column in constraint.columns] == columns:
            return str(constraint.name)
    return "PRIMARY"


def _table_and_values(context: ExceptionContext) -> tuple[Table | None, dict[str, Any]]:
    execution = context.execution_context
    compiled = getattr(execution, "compiled", None)
    table = getattr(getattr(compiled, "statement", None), "table", None)
    parameters = getattr(execution, "compiled_parameters", None) or [{}]
    return (table if isinstance(table, Table) else None), parameters[0]
