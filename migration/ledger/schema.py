"""The ledger's tables, and engines for the databases that can hold it: SQLite, MySQL/MariaDB, PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from migration.ledger.errors import LedgerError

DEFAULT_LEDGER_URL = "sqlite:///var/ledger.sqlite3"

metadata = MetaData()

routes = Table(
    "cutover_routes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("domain", String(64), nullable=False),
    Column("method", String(16), nullable=False),
    Column("rule", String(500), nullable=False),
    Column("shape", String(500), nullable=False),
    Column("state", String(16), nullable=False),
    Column("native_available", Boolean, nullable=False),
    Column("updated", DateTime, nullable=False),
    Column("who", String(255), nullable=False),
    Column("why", Text, nullable=False),
    UniqueConstraint("domain", "method", "shape", name="cutover_routes_identity"),
    mysql_charset="utf8mb4",
    mysql_collate="utf8mb4_bin",  # paths are case-sensitive, MySQL's default collation is not
)

#: ``replaces`` names what did the same on the old side; ``by_hand`` is what an operator has to switch off there, empty
#: where the old side follows the ledger or never did such a thing.
jobs = Table(
    "cutover_jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("domain", String(64), nullable=False),
    Column("name", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("native_available", Boolean, nullable=False),
    Column("replaces", Text, nullable=False),
    Column("by_hand", Text, nullable=False),
    Column("updated", DateTime, nullable=False),
    Column("who", String(255), nullable=False),
    Column("why", Text, nullable=False),
    UniqueConstraint("domain", "name", name="cutover_jobs_identity"),
    mysql_charset="utf8mb4",
    mysql_collate="utf8mb4_bin",
)

#: Of routes, and of jobs, whose ``method`` is ``JOB`` and whose ``rule`` is their name.
history = Table(
    "cutover_history",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("domain", String(64), nullable=False, index=True),
    Column("method", String(16), nullable=False),
    Column("rule", String(500), nullable=False),
    Column("from_state", String(16), nullable=False),
    Column("to_state", String(16), nullable=False),
    Column("who", String(255), nullable=False),
    Column("at", DateTime, nullable=False),
    Column("why", Text, nullable=False),
    mysql_charset="utf8mb4",
    mysql_collate="utf8mb4_bin",  # paths are case-sensitive, MySQL's default collation is not
)

#: What a run showed of one route: exchanges by outcome, and where that is from.
evidence = Table(
    "cutover_evidence",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("domain", String(64), nullable=False, index=True),
    Column("method", String(16), nullable=False),
    Column("rule", String(500), nullable=False),
    *(Column(name, Integer, nullable=False) for name in ("equal", "accepted", "noise", "different", "errors")),
    Column("tables_different", Integer),
    Column("at", DateTime, nullable=False),
    Column("recordings", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    *(Column(name, Text, nullable=False) for name in ("control", "candidate", "control_version", "candidate_version")),
    mysql_charset="utf8mb4",
    mysql_collate="utf8mb4_bin",
)

#: One row (id 1): every change of routes and jobs adds one to ``value`` in its own transaction.
version = Table(
    "cutover_version",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("value", Integer, nullable=False),
)


def ledger_engine(url: str, *, timeout: float, **options: Any) -> Engine:
    """An engine for the ledger at ``url``; no wait for the database is longer than ``timeout`` seconds.

    Connections are not pooled unless ``options`` say so: an engine made before a fork then shares nothing with the
    child. Raises :class:`LedgerError` for a URL that is not understood, or whose driver is not installed.
    """
    address = _address(url)
    backend = address.get_backend_name()
    arguments = {"poolclass": NullPool, "connect_args": _connect_args(backend, timeout)} | options
    try:
        engine = create_engine(address, **arguments)
    except ModuleNotFoundError as error:
        extra = "mysql" if backend == "mysql" else "postgres"
        raise LedgerError(
            f"The ledger's database needs the driver {error.name}, which is not installed: "
            f"pip install 'cutover[{extra}]'."
        ) from error
    if backend == "sqlite":
        _prepare_sqlite(engine, address)
    return engine


def _address(url: str) -> URL:
    try:
        address = make_url(url)
        if address.drivername in ("mysql", "mariadb", "mariadb+pymysql"):
            address = address.set(drivername="mysql+pymysql")
        elif address.drivername in ("postgres", "postgresql"):
            address = address.set(drivername="postgresql+psycopg")
        address.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError, ImportError) as error:
        raise LedgerError(
            "The ledger's URL is not understood: write for example sqlite:///var/ledger.sqlite3, "
            "mysql://user:password@host/database or postgresql://user:password@host/database."
        ) from error
    if address.get_backend_name() not in ("sqlite", "mysql", "postgresql"):
        raise LedgerError(f"The ledger can't live in {address.get_backend_name()}: use sqlite, mysql or postgresql.")
    return address


def _connect_args(backend: str, timeout: float) -> dict[str, Any]:
    seconds = max(1, round(timeout))
    if backend == "mysql":
        return {"connect_timeout": seconds, "read_timeout": seconds, "write_timeout": seconds}
    if backend == "postgresql":
        milliseconds = seconds * 1000
        return {
            "connect_timeout": max(2, seconds),  # libpq takes 1 for 2
            "options": f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}",
        }
    return {"timeout": timeout}


def _prepare_sqlite(engine: Engine, address: URL) -> None:
    if address.database and address.database != ":memory:":
        directory = Path(address.database).parent
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerError(
                f"The ledger's directory {directory} can't be made: {error.strerror}. Make it, or name another ledger."
            ) from error

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # BEGIN is sent below, not by the driver
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        # A transaction that reads first and writes later would fail at once where another one writes in between.
        immediate = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
