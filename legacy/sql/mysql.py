"""MySQL and MariaDB through PyMySQL, with the session that the legacy system used."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pymysql
from pymysql.constants import CR
from pymysql.converters import encoders
from pymysql.cursors import DictCursor

from legacy.spot_schema import MYSQL_TRIGGERS, TABLES
from legacy.sql import errors, values
from legacy.sql.errors import DatabaseError
from legacy.sql.statement import Statement

_SQL_MODE = "STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
_CHARSET, _COLLATION = "utf8mb4", "utf8mb4_unicode_ci"
_SESSION = f"SET time_zone = '+00:00', sql_mode = '{_SQL_MODE}'"
#: What a reset has put back to the server's defaults, in one statement.
_SESSION_ANEW = f"{_SESSION}, autocommit = 0, NAMES {_CHARSET} COLLATE {_COLLATION}"
#: COM_RESET_CONNECTION, which the driver doesn't name.
_RESET_CONNECTION = 0x1F
_SCHEMA_LOCK = "spot_optimizer_schema"
_SCHEMA_LOCK_SECONDS = 60
_TIMEOUT_SECONDS = 60
_LOST = (CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST, CR.CR_SERVER_LOST_EXTENDED, CR.CR_COMMANDS_OUT_OF_SYNC)
_IDLE_SECONDS = 30.0


@dataclass(frozen=True)
class Address:
    """Where the server is and who connects."""

    host: str
    port: int
    user: str
    password: str
    database: str
    unix_socket: str | None = None


class _Connection(pymysql.connections.Connection):
    """A connection that knows when it was last used, and can forget what was done on it."""

    used_at = 0.0

    def reset(self) -> None:
        """End the transaction and put the session's settings back: two round trips."""
        self._execute_command(_RESET_CONNECTION, b"")
        self._read_ok_packet()
        self.query(_SESSION_ANEW)


def _float(value: float, mapping: object = None) -> str:
    """A decimal literal, as the legacy driver wrote floats; PyMySQL would make it a double."""
    return repr(value)


class MysqlDialect:
    """One database on a server. Every statement is a transaction of its own.

    The session does not commit by itself: a COMMIT follows each statement that writes. Whenever a connection goes back
    into the pool its session is reset, which also ends what a query or a failed statement has begun.
    """

    excluded = "VALUES({0})"
    on_conflict = "ON DUPLICATE KEY UPDATE"

    def __init__(self, address: Address) -> None:
        self.name = address.database
        self._address = address

    def connect(self) -> _Connection:
        address = self._address
        try:
            connection = _Connection(
                host=address.host,
                port=address.port,
                user=address.user,
                password=address.password,
                database=address.database,
                unix_socket=address.unix_socket,
                charset=_CHARSET,
                collation=_COLLATION,
                conv={**pymysql.converters.conversions, **encoders, float: _float},
                init_command=_SESSION,
                autocommit=False,
                connect_timeout=10,
                read_timeout=_TIMEOUT_SECONDS,
                write_timeout=_TIMEOUT_SECONDS,
                cursorclass=DictCursor,
            )
        except pymysql.MySQLError as error:
            raise _translated(error) from error
        connection.used_at = time.monotonic()
        return connection

    @staticmethod
    def close(connection: _Connection) -> None:
        if connection.open:
            connection.close()

    @staticmethod
    def reset(connection: _Connection) -> None:
        connection.reset()

    @staticmethod
    def is_lost(error: Exception) -> bool:
        return isinstance(error, DatabaseError) and error.errno in _LOST

    def create_schema(self, connection: _Connection) -> None:
        """Create what is missing; a named lock lets only one process at a time look and create."""
        with connection.cursor() as cursor:
            try:
                cursor.execute("SELECT GET_LOCK(%s, %s) AS held", (_SCHEMA_LOCK, _SCHEMA_LOCK_SECONDS))
                if not (cursor.fetchone() or {}).get("held"):
                    raise errors.lock_timeout()
                try:
                    self._create_missing(cursor)
                finally:
                    cursor.execute("SELECT RELEASE_LOCK(%s)", (_SCHEMA_LOCK,))
            except pymysql.MySQLError as error:
                raise _translated(error) from error

    @staticmethod
    def _create_missing(cursor: DictCursor) -> None:
        cursor.execute("SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()")
        tables = {row["name"] for row in cursor.fetchall()}
        for table in TABLES.values():
            if table.name not in tables:
                cursor.execute(table.mysql)
        cursor.execute("SELECT trigger_name AS name FROM information_schema.triggers WHERE trigger_schema = DATABASE()")
        triggers = {row["name"] for row in cursor.fetchall()}
        for name, trigger in MYSQL_TRIGGERS.items():
            if name not in triggers:
                cursor.execute(trigger)

    def rows(
        self, connection: _Connection, statement: Statement, parameters: Sequence[Any], most: int | None
    ) -> list[dict[str, Any]]:
        """The rows of a query as dicts by column label, at most ``most`` of them."""
        with connection.cursor() as cursor:
            self._execute(connection, cursor, statement, parameters)
            rows: Sequence[dict[str, Any]] = cursor.fetchall() if most is None else cursor.fetchmany(most)
            return list(rows)

    def write(self, connection: _Connection, statement: Statement, parameters: Sequence[Any]) -> int:
        """Run one statement: the new id of an auto-increment table, else the number of changed rows."""
        with connection.cursor() as cursor:
            self._execute(connection, cursor, statement, parameters)
            self._commit(connection)
            return cursor.lastrowid or cursor.rowcount

    @staticmethod
    def _commit(connection: _Connection) -> None:
        try:
            connection.commit()
        except pymysql.MySQLError as error:
            raise _translated(error) from error

    @staticmethod
    def _execute(connection: _Connection, cursor: DictCursor, statement: Statement, parameters: Sequence[Any]) -> None:
        if len(parameters) != len(statement.placeholders):
            raise errors.wrong_parameter_count()
        for value in parameters:
            values.check_bindable(value)
        try:
            if time.monotonic() - connection.used_at > _IDLE_SECONDS:
                connection.ping(reconnect=True)
            connection.used_at = time.monotonic()
            cursor.execute(statement.mysql, [values.without_offset(value) for value in parameters])
        except pymysql.MySQLError as error:
            raise _translated(error) from error


def _translated(error: pymysql.MySQLError) -> DatabaseError:
    if len(error.args) == 2 and isinstance(error.args[0], int) and error.args[0]:
        return DatabaseError(str(error.args[1]), error.args[0])
    return DatabaseError(str(error))
