"""The monolith's database: the same statements on SQLite and on MySQL or MariaDB.

Statements use ``%s`` for parameters, ``%%`` for a percent sign, ``NOW()`` for the time in UTC (whole seconds) and
``FOLD(x)`` on both sides of a comparison that ignores case, accents and spaces at the end, ``DATE_FORMAT(x, format)``
with ``%Y %m %d %H %%``. Other functions must be known to both databases; compute points in time in Python and pass them
as parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from legacy.sql import errors
from legacy.sql.errors import DatabaseError
from legacy.sql.pool import ConnectionPool
from legacy.sql.sqlite import SqliteDialect
from legacy.sql.statement import read

if TYPE_CHECKING:
    from legacy.sql.mysql import MysqlDialect

__all__ = ["NOW", "Database", "DatabaseError", "Expression"]

_MYSQL_SCHEMES = ("mysql", "mysql+pymysql", "mariadb", "mariadb+pymysql")


class Expression(str):
    """SQL text to use as it stands where ``upsert`` takes a value, e.g. ``Expression("replica_count + 1")``."""


NOW = Expression("NOW()")


class Database:
    """A pool of connections to one database. Nothing is opened before the first statement.

    URLs: ``sqlite:///relative/path``, ``sqlite:////absolute/path``, ``mysql://user:password@host:port/name`` (also
    ``mysql+pymysql``, ``mariadb``; ``?unix_socket=``). Usable from any thread, and after a fork.

    Rows come as dicts in the types of the MySQL driver: naive datetimes in UTC, dates, Decimals, 0 and 1 for
    booleans, JSON as text. All methods raise DatabaseError with the text that clients see. ``name`` is what those
    texts call the database.
    """

    def __init__(self, url: str, pool_size: int = 10) -> None:
        self._dialect = _dialect(url)
        self.name = self._dialect.name
        self._pool: ConnectionPool[Any] = ConnectionPool(
            self._dialect.connect,
            self._dialect.close,
            check=self._dialect.check,
            reset=self._dialect.reset,
            size=pool_size,
        )

    @property
    def pool_size(self) -> int:
        return self._pool.size

    @property
    def free_connections(self) -> int:
        return self._pool.free

    def create_schema(self) -> None:
        """Create the tables, indexes and triggers that are missing, and leave what exists as it is."""
        with self._connection() as connection:
            self._dialect.create_schema(connection)

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """Run a statement in its own transaction: the last insert id when there is one, else the affected rows."""
        statement = read(sql)
        with self._connection() as connection:
            return self._dialect.write(connection, statement, params)

    def fetch_all(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """All rows of a query."""
        statement = read(sql)
        with self._connection() as connection:
            return self._dialect.rows(connection, statement, params, None)

    def fetch_one(self, sql: str, params: Sequence[Any] = ()) -> dict[str, Any] | None:
        """The only row of a query, or None.

        Raises DatabaseError ``Unread result found`` for a second row, unless the statement has a LIMIT.
        """
        statement = read(sql)
        with self._connection() as connection:
            rows = self._dialect.rows(connection, statement, params, 2)
        if len(rows) > 1 and not statement.has_limit:
            raise errors.unread_result()
        return rows[0] if rows else None

    def now(self) -> datetime:
        """The time of the database, in UTC and whole seconds."""
        moment: datetime = self.fetch_all("SELECT NOW() AS moment")[0]["moment"]
        return moment

    def upsert(
        self,
        table: str,
        values: Mapping[str, Any],
        *,
        key: Sequence[str],
        update: Mapping[str, Any] | Sequence[str],
    ) -> None:
        """Insert a row, or update the one that any unique key of the table makes it collide with.

        ``values`` and a mapping ``update`` hold values to bind, or Expressions; a sequence ``update`` names columns
        that take the value that was to be inserted. ``key`` names the columns meant to identify the row; they must
        be among ``values``.
        """
        if missing := [column for column in key if column not in values]:
            raise ValueError(f"upsert into {table} without a value for {', '.join(missing)}")
        if isinstance(update, Mapping):
            changes = dict(update)
        else:
            changes = {column: Expression(self._dialect.excluded.format(column)) for column in update}
        sql = (
            f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(map(_placeholder, values.values()))}) "
            f"{self._dialect.on_conflict} "
            + ", ".join(f"{column} = {_placeholder(value)}" for column, value in changes.items())
        )
        self.execute(sql, [value for value in (*values.values(), *changes.values()) if not _is_sql(value)])

    def close(self) -> None:
        """Close the idle connections; the next statement opens new ones."""
        self._pool.close()

    def _connection(self) -> Any:
        return self._pool.connection(self._dialect.is_lost)


def _is_sql(value: Any) -> bool:
    return isinstance(value, Expression)


def _placeholder(value: Any) -> str:
    return str(value) if _is_sql(value) else "%s"


def _dialect(url: str) -> SqliteDialect | MysqlDialect:
    """Dialect and address of a URL. Raises ValueError, without the password, for one that names no database."""
    parts = urlsplit(url)
    if parts.scheme in ("sqlite", "sqlite+pysqlite"):
        path = unquote(parts.path)[1:]
        if not path or path == ":memory:" or parts.netloc:
            raise ValueError("a SQLite URL needs a file: sqlite:///relative/path or sqlite:////absolute/path")
        return SqliteDialect(path)
    if parts.scheme in _MYSQL_SCHEMES:
        return _mysql_dialect(parts)
    raise ValueError(f"unknown database scheme {parts.scheme or '(none)'}: use sqlite, mysql or mariadb")


def _mysql_dialect(parts: SplitResult) -> MysqlDialect:
    # The driver is an optional dependency: it is loaded only for those who name such a database.
    try:
        from legacy.sql.mysql import Address, MysqlDialect
    except ModuleNotFoundError as missing:
        raise ValueError("a MySQL URL needs the driver mysql-connector: pip install 'cutover[monolith]'") from missing

    name = unquote(parts.path.strip("/"))
    if not name:
        raise ValueError("a MySQL URL needs a database: mysql://user:password@host:port/name")
    sockets = parse_qs(parts.query).get("unix_socket")
    return MysqlDialect(
        Address(
            host=parts.hostname or "127.0.0.1",
            port=parts.port or 3306,
            user=unquote(parts.username or "root"),
            password=unquote(parts.password or ""),
            database=name,
            unix_socket=sockets[0] if sockets else None,
        )
    )
