"""The database's own clock: processes on several machines agree on it."""

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class DatabaseNow(FunctionElement[datetime]):
    """Now in UTC, naive, with the fractions of a second that the database knows."""

    type = DateTime()
    inherit_cache = True


@compiles(DatabaseNow)
def _on_mysql(element: DatabaseNow, compiler: SQLCompiler, **_: Any) -> str:
    return "UTC_TIMESTAMP(6)"


@compiles(DatabaseNow, "sqlite")
def _on_sqlite(element: DatabaseNow, compiler: SQLCompiler, **_: Any) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


@compiles(DatabaseNow, "postgresql")
def _on_postgresql(element: DatabaseNow, compiler: SQLCompiler, **_: Any) -> str:
    return "(clock_timestamp() AT TIME ZONE 'UTC')"
