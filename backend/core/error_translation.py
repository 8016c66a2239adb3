"""Turning what drivers complain about into one wording: MySQL's numbers and words, whatever the database is."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from sqlalchemy.engine import ExceptionContext

from backend.core.database_errors import StatementRefusedError
from backend.core.postgresql_errors import from_postgresql
from backend.core.sqlite_errors import from_sqlite


def translate(context: ExceptionContext) -> None:
    """Engine listener (`handle_error`): raise the driver's complaint as StatementRefusedError instead.

    Statements that are sent as plain text are SQLAlchemy's own probes, as is the pool's question whether a connection
    still lives; it wants to see the driver's errors for them.
    """
    original = context.original_exception
    execution = context.execution_context
    if context.is_pre_ping or (execution is not None and getattr(execution, "compiled", None) is None):
        return
    if not isinstance(original, context.dialect.loaded_dbapi.Error):
        return
    if isinstance(original, sqlite3.Error):
        raise from_sqlite(original, context) from original
    if context.dialect.name == "postgresql":
        raise from_postgresql(original, context) from original
    refusal = refusal_of_mysql(original)
    if refusal is not None:
        raise refusal from original


def refusal_of_mysql(error: Exception) -> StatementRefusedError | None:
    """What a complaint of MySQL's driver is raised as; None where it has no number and text."""
    arguments: Sequence[Any] = error.args
    if len(arguments) == 2 and isinstance(arguments[0], int):
        return StatementRefusedError(arguments[0], str(arguments[1]), getattr(error, "sqlstate", None))
    return None
