"""What PostgreSQL refuses, in MySQL's words. Its SQLSTATE says what, its diagnostics say where."""

import re
from typing import Any

from sqlalchemy import ForeignKeyConstraint
from sqlalchemy.engine import ExceptionContext

from backend.core.database_errors import (
    DEADLOCK,
    StatementRefusedError,
    broken_foreign_key,
    duplicate_entry,
    table_and_values,
)

CANNOT_CONNECT, LOST_CONNECTION, UNKNOWN = 2003, 2013, 1105
#: Errors that need no place: SQLSTATE -> number and words. Without words PostgreSQL's own are shown.
PLAIN = {
    "22001": (1406, "Data too long for column"),
    "22003": (1264, "Out of range value for column"),
    "22007": (1292, None),
    "22008": (1292, None),
    "22012": (1365, "Division by 0"),
    "22021": (1366, "Incorrect string value"),
    "22P02": (1366, None),
    "28000": (1045, "Access denied"),
    "28P01": (1045, "Access denied"),
    "3D000": (1049, None),
    "40001": (DEADLOCK, "Deadlock found when trying to get lock; try restarting transaction"),
    "40P01": (DEADLOCK, "Deadlock found when trying to get lock; try restarting transaction"),
    "42601": (1064, None),
    "42703": (1054, None),
    "42P01": (1146, None),
    "53300": (1040, "Too many connections"),
    "55P03": (1205, "Lock wait timeout exceeded; try restarting transaction"),
    "57014": (1205, "Lock wait timeout exceeded; try restarting transaction"),
}
DUPLICATE_VALUES = re.compile(r"\)=\((.*)\) already exists\.", re.DOTALL)


def from_postgresql(error: BaseException, context: ExceptionContext) -> StatementRefusedError:
    """The refusal behind `error`, one of psycopg's."""
    state, diagnostics = getattr(error, "sqlstate", None), getattr(error, "diag", None)
    if context.connection is None:
        return _no_connection(state, diagnostics)
    if context.is_disconnect or state is None or diagnostics is None:
        return _without_state(error, context)
    match state:
        case "23505":
            return _duplicate(diagnostics)
        case "23503":
            return _broken_foreign_key(diagnostics, context)
        case "23502":
            return StatementRefusedError(1048, f"Column '{diagnostics.column_name}' cannot be null")
        case "23514":
            return StatementRefusedError(4025, f"CONSTRAINT `{diagnostics.constraint_name}` failed")
    errno, words = PLAIN.get(state, (UNKNOWN, None))
    return StatementRefusedError(errno, words or str(diagnostics.message_primary))


def _no_connection(state: str | None, diagnostics: Any) -> StatementRefusedError:
    errno, words = PLAIN.get(state or "", (CANNOT_CONNECT, "Can't connect to PostgreSQL server"))
    return StatementRefusedError(errno, words or str(diagnostics.message_primary))


def _without_state(error: BaseException, context: ExceptionContext) -> StatementRefusedError:
    if context.is_disconnect:
        return StatementRefusedError(LOST_CONNECTION, "Lost connection to PostgreSQL server during query")
    if "NUL" in str(error):
        return StatementRefusedError(1366, "Incorrect string value: a text cannot hold the character U+0000")
    return StatementRefusedError(UNKNOWN, str(error))


def _duplicate(diagnostics: Any) -> StatementRefusedError:
    key = str(diagnostics.constraint_name)
    if key == f"{diagnostics.table_name}_pkey":
        key = "PRIMARY"
    found = DUPLICATE_VALUES.search(diagnostics.message_detail or "")
    values = found.group(1).split(", ") if found else []
    return duplicate_entry(values, key.removeprefix(f"{diagnostics.table_name}_"))


def _broken_foreign_key(diagnostics: Any, context: ExceptionContext) -> StatementRefusedError:
    parent = "is still referenced" in (diagnostics.message_detail or "")
    return broken_foreign_key(_find(diagnostics, context), parent=parent)


def _find(diagnostics: Any, context: ExceptionContext) -> ForeignKeyConstraint | None:
    statement_table, _ = table_and_values(context)
    tables = statement_table.metadata.tables if statement_table is not None else {}
    table = tables.get(diagnostics.table_name)
    keys = table.foreign_key_constraints if table is not None else ()
    return next((key for key in keys if key.name == diagnostics.constraint_name), None)
