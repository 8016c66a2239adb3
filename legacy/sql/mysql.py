"""MySQL and MariaDB through mysql-connector, the driver of the legacy system, with the session that it used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mysql.connector
from mysql.connector import errorcode
from mysql.connector.abstracts import MySQLConnectionAbstract, MySQLCursorAbstract

from legacy.spot_schema import MYSQL_TRIGGERS, TABLES
from legacy.sql import errors, values
from legacy.sql.errors import DatabaseError
from legacy.sql.statement import Statement

#: What a server as the legacy system's has by default. Where one differs, the sessions are set so.
_SQL_MODE = "STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
_TIME_ZONE = "+00:00"
_CHARSET, _COLLATION = "utf8mb4", "utf8mb4_unicode_ci"
_SCHEMA_LOCK = "spot_optimizer_schema"
_SCHEMA_LOCK_SECONDS = 60
_CONNECT_SECONDS = 10
_TIMEOUT_SECONDS = 180
_LOST = (
    *(errorcode.CR_SERVER_GONE_ERROR, errorcode.CR_SERVER_LOST, errorcode.CR_SERVER_LOST_EXTENDED),
    *(errorcode.CR_COMMANDS_OUT_OF_SYNC, errorcode.ER_CLIENT_INTERACTION_TIMEOUT),
)


@dataclass(frozen=True)
class Address:
    """Where the server is and who connects."""

    host: str
    port: int
    user: str
    password: str
    database: str
    unix_socket: str | None = None


class MysqlDialect:
    """One database on a server. Every statement is a transaction of its own.

    The session does not commit by itself: a COMMIT follows each statement that writes. A connection is treated as the
    driver's own pool treats it: asked whether it lives when it is taken, its session reset when it goes back, which
    also ends what a query or a failed statement has begun.
    """

    excluded = "VALUES({0})"
    on_conflict = "ON DUPLICATE KEY UPDATE"

    def __init__(self, address: Address) -> None:
        self.name = address.database
        self._address = address

    def connect(self) -> MySQLConnectionAbstract:
        try:
            connection = self._connect()
            if unusual := _unusual_settings(connection):
                connection.close()
                connection = self._connect(**unusual)
        except mysql.connector.Error as error:
            raise _translated(error) from error
        return connection

    def _connect(self, **session: Any) -> Any:
        address = self._address
        place = {"unix_socket": address.unix_socket} if address.unix_socket else {}
        return mysql.connector.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            database=address.database,
            charset=_CHARSET,
            collation=_COLLATION,
            autocommit=False,
            connection_timeout=_CONNECT_SECONDS,
            read_timeout=_TIMEOUT_SECONDS,
            write_timeout=_TIMEOUT_SECONDS,
            **place,
            **session,
        )

    @staticmethod
    def check(connection: MySQLConnectionAbstract) -> None:
        """Make sure that a pooled connection lives: one round trip, more where it must be opened anew."""
        try:
            if not connection.is_connected():
                connection.reconnect()
        except mysql.connector.Error as error:
            raise _translated(error) from error

    @staticmethod
    def close(connection: MySQLConnectionAbstract) -> None:
        connection.close()

    @staticmethod
    def reset(connection: MySQLConnectionAbstract) -> None:
        connection.reset_session()

    @staticmethod
    def is_lost(error: Exception) -> bool:
        return isinstance(error, DatabaseError) and error.errno in _LOST

    def create_schema(self, connection: MySQLConnectionAbstract) -> None:
        """Create what is missing; a named lock lets only one process at a time look and create."""
        with connection.cursor() as cursor:
            try:
                held = _column(cursor, "SELECT GET_LOCK(%s, %s)", (_SCHEMA_LOCK, _SCHEMA_LOCK_SECONDS))
                if held != [1]:
                    raise errors.lock_timeout()
                try:
                    _create_missing(cursor)
                finally:
                    _column(cursor, "SELECT RELEASE_LOCK(%s)", (_SCHEMA_LOCK,))
            except mysql.connector.Error as error:
                raise _translated(error) from error

    def rows(
        self, connection: MySQLConnectionAbstract, statement: Statement, parameters: Sequence[Any], most: int | None
    ) -> list[dict[str, Any]]:
        """The rows of a query as dicts by column label, at most ``most`` of them."""
        with connection.cursor(dictionary=True) as cursor:
            _execute(cursor, statement, parameters)
            try:
                rows: list[Any] = cursor.fetchall()
            except mysql.connector.Error as error:
                raise _translated(error) from error
            return rows[:most]

    def write(self, connection: MySQLConnectionAbstract, statement: Statement, parameters: Sequence[Any]) -> int:
        """Run one statement: the new id of an auto-increment table, else the number of changed rows."""
        with connection.cursor() as cursor:
            _execute(cursor, statement, parameters)
            try:
                connection.commit()
            except mysql.connector.Error as error:
                raise _translated(error) from error
            return cursor.lastrowid or cursor.rowcount


def _execute(cursor: MySQLCursorAbstract, statement: Statement, parameters: Sequence[Any]) -> None:
    if len(parameters) != len(statement.placeholders):
        raise errors.wrong_parameter_count()
    for value in parameters:
        values.check_bindable(value)
    try:
        cursor.execute(statement.mysql, [values.without_offset(value) for value in parameters])
    except mysql.connector.Error as error:
        raise _translated(error) from error


def _unusual_settings(connection: MySQLConnectionAbstract) -> dict[str, str]:
    """What sessions of this server must be told, because its defaults differ from those of the legacy system's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@time_zone, @@sql_mode")
        time_zone, sql_mode = next(iter(cursor.fetchall()))
    settings = {}
    if time_zone != _TIME_ZONE:
        settings["time_zone"] = _TIME_ZONE
    if set(str(sql_mode).split(",")) != set(_SQL_MODE.split(",")):
        settings["sql_mode"] = _SQL_MODE
    return settings


def _create_missing(cursor: MySQLCursorAbstract) -> None:
    tables = _column(cursor, "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
    for table in TABLES.values():
        if table.name not in tables:
            cursor.execute(table.mysql)
    triggers = _column(cursor, "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()")
    for name, trigger in MYSQL_TRIGGERS.items():
        if name not in triggers:
            cursor.execute(trigger)


def _column(cursor: MySQLCursorAbstract, query: str, parameters: Sequence[Any] = ()) -> list[Any]:
    cursor.execute(query, parameters)
    rows: list[Any] = cursor.fetchall()
    return [row[0] for row in rows]


def _translated(error: mysql.connector.Error) -> DatabaseError:
    if error.errno > 0:
        return DatabaseError(error.msg or "", error.errno, error.sqlstate)
    return DatabaseError(error.msg or str(error))
