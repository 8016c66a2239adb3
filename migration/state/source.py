"""Where rows come from: a database, read as it is at one moment, or a copy of it on disk."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, make_url

from migration.state.tables import Column, Table, read_tables
from migration.state.values import Row, reader
from migration.targets.database import SideDatabaseError, normalise_url

_ROWS_AT_ONCE = 1000
#: Longest waits for a connection or a lock, and for an answer, in seconds.
_CONNECT_TIMEOUT = 30
_READ_TIMEOUT = 300


class Source(Protocol):
    """Tables and their rows. ``taken`` is the moment that they show, in epoch seconds."""

    taken: float
    #: By name in small letters.
    tables: Mapping[str, Table]

    def rows(self, table: Table, columns: Mapping[str, Column]) -> Iterator[Row]:
        """The rows of ``table`` in no order; ``columns`` by name in any case, and how each is to be read."""


class DatabaseSource:
    """A database through a connection that sees one moment of it."""

    def __init__(self, connection: Connection, shown: str) -> None:
        self.taken = time.time()
        self._connection = connection
        self._shown = shown
        with _refusals(shown):
            self.tables: Mapping[str, Table] = read_tables(connection)

    def rows(self, table: Table, columns: Mapping[str, Column]) -> Iterator[Row]:
        names = [table.columns[name.lower()].name for name in columns]
        query: Any = sa.select(*(sa.column(name) for name in names)).select_from(sa.table(table.name))
        readers = [reader(column) for column in columns.values()]
        with _refusals(self._shown):
            options = {"stream_results": True, "max_row_buffer": _ROWS_AT_ONCE}
            with self._connection.execute(query, execution_options=options) as result:
                for row in result:
                    yield tuple(read(value) for read, value in zip(readers, row, strict=True))


@contextmanager
def reading(url: str) -> Iterator[DatabaseSource]:
    """The database at ``url``, read as it is when it is opened.

    Raises :class:`~migration.targets.database.SideDatabaseError`, here and from what is read.
    """
    address = make_url(normalise_url(url))
    shown = address.render_as_string(hide_password=True)
    if address.get_backend_name() == "sqlite" and address.database and not Path(address.database).exists():
        raise SideDatabaseError(f"{shown}: there is no such file.")
    with _refusals(shown):
        engine = _engine(address)
        connection = engine.connect()
    with connection:
        with _refusals(shown):
            _begin(connection)
        yield DatabaseSource(connection, shown)


def _engine(address: URL) -> sa.Engine:
    product = address.get_backend_name()
    arguments: dict[str, Any] = {"timeout": _CONNECT_TIMEOUT}
    options: dict[str, Any] = {}
    if product == "mysql":
        arguments = {"connect_timeout": _CONNECT_TIMEOUT, "read_timeout": _READ_TIMEOUT}
        options = {"isolation_level": "REPEATABLE READ"}
    elif product == "postgresql":
        settings = f"-c timezone=UTC -c statement_timeout={_READ_TIMEOUT * 1000}"
        arguments = {"connect_timeout": _CONNECT_TIMEOUT, "options": settings}
        options = {"isolation_level": "REPEATABLE READ"}
    engine = sa.create_engine(address, poolclass=sa.NullPool, connect_args=arguments, **options)
    if product == "postgresql":
        dialect: Any = engine.dialect
        # A text of any length, which SQLAlchemy has not heard of.
        dialect.ischema_names = {**dialect.ischema_names, "bpchar": sa.TEXT}
    return engine


def _begin(connection: Connection) -> None:
    """Make all that is read from here on show one moment, with times in UTC."""
    product = connection.dialect.name
    if product == "sqlite":
        driver: Any = connection.connection.driver_connection
        driver.text_factory = lambda octets: octets.decode(errors="backslashreplace")
        connection.exec_driver_sql("BEGIN")
    elif product == "mysql":
        connection.exec_driver_sql("SET SESSION time_zone = '+00:00'")
        connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT")


@contextmanager
def _refusals(shown: str) -> Iterator[None]:
    """Say in one sentence which database refused, and why."""
    try:
        yield
    except (sa.exc.SQLAlchemyError, ModuleNotFoundError) as error:
        reason = getattr(error, "orig", None) or error
        raise SideDatabaseError(f"{shown}: {' '.join(str(reason).split())}.") from error


class CopiedSource:
    """What a database held, in files: one a table, a row on each line."""

    def __init__(self, directory: Path, tables: Mapping[str, Table], taken: float) -> None:
        self.taken = taken
        self.tables = tables
        self._directory = directory

    def rows(self, table: Table, columns: Mapping[str, Column]) -> Iterator[Row]:
        held = {name: at for at, name in enumerate(table.columns)}
        wanted = [held[name.lower()] for name in columns]
        with _file(self._directory, self.tables, table).open() as lines:
            for line in lines:
                row = json.loads(line)
                yield tuple(row[at] for at in wanted)


def copy(source: Source, directory: Path) -> CopiedSource:
    """Keep what ``source`` shows now in ``directory``; it can be compared with the same database only."""
    for table in source.tables.values():
        with _file(directory, source.tables, table).open("w") as lines:
            for row in source.rows(table, table.columns):
                lines.write(json.dumps(row) + "\n")
    return CopiedSource(directory, source.tables, source.taken)


def _file(directory: Path, tables: Mapping[str, Table], table: Table) -> Path:
    return directory / f"{list(tables).index(table.name.lower())}.jsonl"
