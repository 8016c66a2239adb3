"""Running a domain's revisions: one process at a time, and never over a database that does not fit."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from alembic import command, context
from flask import Flask, current_app
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Column, Connection, Integer, MetaData, Table, inspect
from sqlalchemy.exc import SQLAlchemyError

from backend.core.adoption import events_at_work, survey
from backend.core.database import separate_engine
from backend.core.database_errors import StatementRefusedError
from backend.core.migration_check import check_migrations
from backend.core.migration_lock import one_at_a_time

VERSION_TABLE = "alembic_version"
LONGEST_STATEMENT_SECONDS = 3600
#: Made before the first table of an empty database and dropped after the last: where it is found, the rest is ours too,
#: however the process ended that made it. MySQL keeps each table of a revision that is cut off.
UNFINISHED = Table("alembic_unfinished", MetaData(), Column("id", Integer, primary_key=True))

_log = logging.getLogger("backend.migrations")


class MigrationError(RuntimeError):
    """The database was not brought up to date; the text says why and what to do."""


class AdoptionRefusedError(MigrationError):
    """An existing database does not fit the baseline; the text names everything it lacks. Nothing was changed."""


def install_migrations(app: Flask, database: SQLAlchemy, directory: Path) -> None:
    """Offer `flask db ...` for the revisions in `directory`, and run them now when the settings say so.

    Until they have been run, by whomever, the application is not ready.
    """
    check_migrations(app, directory)
    migrate = Migrate(app, database, directory=str(directory))
    if app.extensions["settings"].auto_migrate:
        with app.app_context():
            command.upgrade(migrate.get_config(), "head")


def run_revisions(baseline: MetaData, events: Mapping[str, str]) -> None:
    """Called by a domain's `env.py`: check what is there against `baseline`, then bring it up to date.

    `events` says what the events do that an older system may have left in the database, by their names.
    """
    database: SQLAlchemy = current_app.extensions["migrate"].db
    if context.is_offline_mode():
        raise MigrationError("Revisions are run against a database; SQL scripts are not supported.")
    engine = separate_engine(current_app.extensions["settings"], patience=LONGEST_STATEMENT_SECONDS)
    with _in_plain_words(), engine.connect() as connection:
        if not _changes_anything():
            _run(connection, database.metadata)
            return
        with one_at_a_time(connection):
            with connection.begin():
                _adopt_or_refuse(connection, baseline)
                _run(connection, database.metadata)
                UNFINISHED.drop(connection, checkfirst=True)
            for name, advice in events_at_work(connection, events):
                _log.warning("the database's own event %s is still at work: %s", name, advice)


def is_being_created(connection: Connection) -> bool:
    """Whether the first revision has to create its tables; else it has adopted them."""
    return inspect(connection).has_table(UNFINISHED.name)


def _changes_anything() -> bool:
    """Commands that only show something have no revision to go to."""
    try:
        context.get_revision_argument()
    except KeyError:
        return False
    return True


def _run(connection: Connection, metadata: MetaData) -> None:
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
    before = context.get_context().get_current_revision()
    context.run_migrations()
    after = context.get_context().get_current_revision()
    if after != before:
        _log.info("the database is at revision %s now, after %s", after or "none", before or "none")


def _adopt_or_refuse(connection: Connection, baseline: MetaData) -> None:
    """Let an empty or a versioned database pass; any other one must hold all that `baseline` has."""
    present = {name.lower() for name in inspect(connection).get_table_names()}
    if VERSION_TABLE in present or UNFINISHED.name in present:
        return
    if not present & baseline.tables.keys():
        UNFINISHED.create(connection)
        return
    found = survey(connection, baseline)
    if found.problems:
        listed = "".join(f"\n- {problem}" for problem in found.problems)
        raise AdoptionRefusedError(f"The database has tables of the baseline but does not fit it:{listed}\n{REFUSED}")
    _log.info("adopted an existing database: all %d tables have all their columns", len(baseline.tables))
    for kind, names in found.left_alone.items():
        _log.info("left alone what the baseline does not know: %s %s", kind, ", ".join(names))
    if found.missing_indexes:
        _log.warning("without these indexes of the baseline, questions are slow: %s", ", ".join(found.missing_indexes))


REFUSED = "Nothing was changed. Bring these into the form of the baseline, then upgrade again."


@contextmanager
def _in_plain_words() -> Iterator[None]:
    """What the database refuses ends a command with a sentence; what was begun is taken up again by the next one."""
    try:
        yield
    except (SQLAlchemyError, StatementRefusedError) as error:
        reason = getattr(error, "orig", None) or error
        raise MigrationError(
            f"The database was not brought up to date: {reason} Upgrade again when that is over."
        ) from error
