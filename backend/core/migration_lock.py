"""Workers on one machine or several may start at once: one of them migrates, the others wait for it."""

import fcntl
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import OperationalError

PATIENCE_SECONDS = 600
#: How long a revision waits for a table that others use. Everybody else waits behind it meanwhile.
LONGEST_TABLE_WAIT_SECONDS = 60
POLL_SECONDS = 0.1


class MigrationBusyError(RuntimeError):
    """Somebody else has been migrating the database for too long."""

    def __init__(self) -> None:
        super().__init__(
            f"Another process has been migrating this database for {PATIENCE_SECONDS} seconds. "
            "When it has ended, upgrade again."
        )


@contextmanager
def one_at_a_time(connection: Connection) -> Iterator[None]:
    """Keep others from migrating the database of `connection` until the end, or until the process dies.

    On a server the lock belongs to the connection. Raises MigrationBusyError.
    """
    dialect = connection.dialect.name
    if dialect == "sqlite":
        with _file_lock(connection.engine.url.database):
            yield
        return
    (_lock_on_mysql if dialect == "mysql" else _lock_on_postgresql)(connection)
    connection.commit()
    yield


def _lock_on_mysql(connection: Connection) -> None:
    # The names of such locks belong to the server, not to a database.
    database = hashlib.sha256(str(connection.engine.url.database).encode()).hexdigest()[:32]
    if connection.scalar(select(func.get_lock(f"backend.migrations.{database}", PATIENCE_SECONDS))) != 1:
        raise MigrationBusyError
    connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {LONGEST_TABLE_WAIT_SECONDS}")


def _lock_on_postgresql(connection: Connection) -> None:
    key = int.from_bytes(hashlib.sha256(b"backend.migrations").digest()[:8], signed=True)
    connection.exec_driver_sql(f"SET statement_timeout = 0; SET lock_timeout = '{PATIENCE_SECONDS}s'")
    try:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({key})")
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == "55P03":
            raise MigrationBusyError from None
        raise
    connection.exec_driver_sql(f"SET lock_timeout = '{LONGEST_TABLE_WAIT_SECONDS}s'")


@contextmanager
def _file_lock(database: str | None) -> Iterator[None]:
    """A file of its own beside the database: SQLite's own lock is needed by whoever migrates."""
    if not database or database == ":memory:":
        yield
        return
    with Path(f"{database}.migrating").open("w") as file:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not _taken(file.fileno()):
            if time.monotonic() > deadline:
                raise MigrationBusyError
            time.sleep(POLL_SECONDS)
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
