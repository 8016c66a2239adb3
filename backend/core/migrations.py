"""Running a domain's revisions: one process at a time, and never over a database that does not fit."""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from alembic import command, context
from flask import Flask, current_app
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, MetaData, inspect
from sqlalchemy.engine import URL

VERSION_TABLE = "alembic_version"

_log = logging.getLogger("backend.migrations")


class AdoptionRefusedError(RuntimeError):
    """An existing database lacks a table or a column of the baseline; the text names it. Nothing was changed."""


def install_migrations(app: Flask, database: SQLAlchemy, directory: Path) -> None:
    """Offer `flask db ...` for the revisions in `directory`, and run them now when the settings say so."""
    migrate = Migrate(app, database, directory=str(directory))
    settings = app.extensions["settings"]
    if settings.auto_migrate:
        with app.app_context(), _one_at_a_time(settings.database_url):
            command.upgrade(migrate.get_config(), "head")


def run_revisions(baseline: MetaData) -> None:
    """Called by a domain's `env.py`: check what is there against `baseline`, then bring it up to date."""
    database: SQLAlchemy = current_app.extensions["migrate"].db
    if context.is_offline_mode():
        raise RuntimeError("Revisions are run against a database; SQL scripts are not supported.")
    with database.engine.connect() as connection, connection.begin():
        _adopt_or_refuse(connection, baseline)
        context.configure(connection=connection, target_metadata=database.metadata, transactional_ddl=True)
        context.run_migrations()


def _adopt_or_refuse(connection: Connection, baseline: MetaData) -> None:
    """Let an empty or a versioned database pass; an unversioned one must have every table and column."""
    inspector = inspect(connection)
    present = {name.lower(): name for name in inspector.get_table_names()}
    if VERSION_TABLE in present or not present.keys() & baseline.tables.keys():
        return
    for table in baseline.sorted_tables:
        if table.name not in present:
            raise AdoptionRefusedError(f"The database has tables of the baseline but lacks table {table.name}.")
        columns = {column["name"].lower() for column in inspector.get_columns(present[table.name])}
        for column in table.columns:
            if column.name not in columns:
                raise AdoptionRefusedError(f"Table {table.name} lacks column {column.name}; nothing was changed.")
    _log.info("adopted an existing database: all %d tables have all their columns", len(baseline.tables))


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _one_at_a_time(url: URL) -> AbstractContextManager[None]:
    """Several workers may start at once; only a SQLite file needs a lock of its own beside it."""
    if url.drivername == "sqlite" and url.database:
        return _file_lock(Path(f"{url.database}.migrating"))
    return nullcontext()
