"""The database behind a side, as far as a replay needs it: putting rows in, and emptying it between recordings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, make_url

_BUCKET_SECONDS = 300
_DRIVERS = {
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
}


class SideDatabaseError(Exception):
    """A side's database can't be used as asked; the text is one sentence for the user."""


def normalise_url(url: str) -> str:
    """``url`` with the driver this project uses (``mysql://`` means PyMySQL). Raises :class:`SideDatabaseError`."""
    try:
        parsed = make_url(url)
    except sa.exc.ArgumentError as error:
        raise SideDatabaseError(
            f"{url!r} is not a database URL, such as sqlite:///path, mysql://user@host/db or postgresql://user@host/db."
        ) from error
    driver = _DRIVERS.get(parsed.drivername, parsed.drivername)
    return parsed.set(drivername=driver).render_as_string(hide_password=False)


class SideDatabase:
    """One side's database. Nothing is opened before it is used."""

    def __init__(self, url: str) -> None:
        self.url = normalise_url(url)
        arguments = {"timeout": 30} if self.url.startswith("sqlite") else {}
        try:
            self._engine = sa.create_engine(self.url, poolclass=sa.NullPool, connect_args=arguments)
        except ModuleNotFoundError as error:
            raise SideDatabaseError(f"The driver for {self._shown} is not installed ({error}).") from error
        except sa.exc.SQLAlchemyError as error:
            raise SideDatabaseError(f"{self._shown} is not a database that can be opened ({error}).") from error

    @property
    def _shown(self) -> str:
        return make_url(self.url).render_as_string(hide_password=True)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            reason = getattr(error, "orig", None) or error
            raise SideDatabaseError(f"{self._shown}: {reason}.") from error

    def clear(self) -> None:
        """Delete every row of every table, but not the schema's version nor the tool's own tables."""
        with self._transaction() as connection:
            names = [name for name in sa.inspect(connection).get_table_names() if not _is_kept(name)]
            dialect = connection.dialect.name
            quote = connection.dialect.identifier_preparer.quote
            if dialect == "postgresql":
                if names:
                    tables = ", ".join(map(quote, names))
                    connection.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
                return
            switch = {"sqlite": "PRAGMA defer_foreign_keys=ON", "mysql": "SET SESSION FOREIGN_KEY_CHECKS=0"}
            if dialect in switch:
                connection.exec_driver_sql(switch[dialect])
            for name in names:
                table = sa.table(name)
                if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is None:
                    continue
                if dialect == "mysql":
                    connection.exec_driver_sql(f"TRUNCATE TABLE {quote(name)}")
                else:
                    connection.execute(sa.delete(table))
            if dialect == "sqlite" and sa.inspect(connection).has_table("sqlite_sequence"):
                connection.exec_driver_sql("DELETE FROM sqlite_sequence")

    def put(self, rows: Iterable[dict[str, Any]], now: datetime) -> None:
        """Insert rows, or change them (``"op": "update"``), in one transaction.

        Values may be relative: ``{"$now": seconds}``, ``{"$today": days}``, ``{"$bucket": n}`` (five-minute buckets)
        and ``{"$lookup": {"table", "column", "where"}}``. A row that is there already stays as it is. Raises
        :class:`SideDatabaseError`.
        """
        with self._transaction() as connection:
            if connection.dialect.name == "sqlite":
                # Its driver begins nothing before a savepoint, so that each row would be a transaction of its own.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            numbered = set()
            for row in rows:
                table = _table(row["table"], row["values"], row.get("where", {}))
                values = {name: _value(connection, value, now) for name, value in row["values"].items()}
                if row.get("op") == "update":
                    where = [table.c[name] == _value(connection, value, now) for name, value in row["where"].items()]
                    connection.execute(sa.update(table).where(*where).values(values))
                    continue
                try:
                    with connection.begin_nested():
                        connection.execute(sa.insert(table).values(values))
                except sa.exc.IntegrityError:
                    if not _is_there(connection, table, values):
                        raise
                if "id" in values:
                    numbered.add(table.name)
            if connection.dialect.name == "postgresql":
                _count_on(connection, numbered)


def _is_kept(table: str) -> bool:
    return table == "alembic_version" or table.startswith(("cutover_", "sqlite_"))


class _Untyped(sa.types.UserDefinedType[Any]):
    """The type of a column nothing is known of: PostgreSQL is told texts, which it reads as whatever it needs."""

    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[Any], Any]:
        if dialect.name != "postgresql":
            return lambda value: value
        return lambda value: None if value is None else str(int(value) if isinstance(value, bool) else value)


def _table(name: str, *columns: dict[str, Any]) -> sa.TableClause:
    names = dict.fromkeys(key for keys in columns for key in keys)
    return sa.table(name, *(sa.column(column, _Untyped()) for column in names))


def _count_on(connection: Connection, tables: Iterable[str]) -> None:
    """Let ids that PostgreSQL makes begin behind those that were put in, as other databases do by themselves."""
    for name in sorted(tables):
        sequence = connection.scalar(sa.select(sa.func.pg_get_serial_sequence(name, "id")))
        if sequence is not None:
            highest = sa.select(sa.func.max(sa.column("id"))).select_from(sa.table(name)).scalar_subquery()
            connection.execute(sa.select(sa.func.setval(sequence, sa.func.coalesce(highest, 1))))


def _is_there(connection: Connection, table: sa.TableClause, values: dict[str, Any]) -> bool:
    """Whether the row that could not be inserted stands there already, by its id."""
    if "id" not in values:
        return False
    query = sa.select(sa.literal(1)).select_from(table).where(table.c.id == values["id"])
    return connection.execute(query).first() is not None


def _value(connection: Connection, value: Any, now: datetime) -> Any:
    if not isinstance(value, dict):
        return json.dumps(value) if isinstance(value, list) else value
    if "$now" in value:
        return _written(now + timedelta(seconds=value["$now"]))
    if "$today" in value:
        return (now.date() + timedelta(days=value["$today"])).isoformat()
    if "$bucket" in value:
        bucket = now.timestamp() // _BUCKET_SECONDS + value["$bucket"]
        return _written(datetime.fromtimestamp(bucket * _BUCKET_SECONDS, UTC))
    if "$lookup" in value:
        return _look_up(connection, **value["$lookup"])
    return json.dumps(value)


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _look_up(connection: Connection, table: str, column: str, where: dict[str, Any]) -> Any:
    source = _table(table, {column: None}, where)
    query = sa.select(source.c[column]).where(*(source.c[name] == value for name, value in where.items())).limit(1)
    row = connection.execute(query).first()
    if row is None:
        raise SideDatabaseError(f"A seed looks for a row of {table} where {where}, and there is none.")
    return row[0]
