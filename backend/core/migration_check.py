"""Is the database as far as this version of the code needs it? Asked of the database itself."""

from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path

from alembic.script import ScriptDirectory
from flask import Flask

from backend.core.database import separate_engine
from backend.core.readiness import READINESS, TIMEOUT, NotReadyError, refuse_missing_file
from backend.core.settings import Settings

#: Whether there is a table of revisions, by product; each is an answer without a transaction.
HAS_REVISIONS = {
    "sqlite": "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'",
    "mysql": "SELECT COUNT(*) FROM information_schema.tables"
    " WHERE table_schema = DATABASE() AND table_name = 'alembic_version'",
    "postgresql": "SELECT COUNT(to_regclass('alembic_version'))",
}


def check_migrations(app: Flask, directory: Path) -> None:
    """Make the application ready only while its database has every revision in `directory`.

    A database with a revision unknown here has been brought further by a newer version, which is no reason to stop
    serving while that one is being rolled out.
    """
    settings: Settings = app.extensions["settings"]
    if settings.database_url.drivername == "sqlite" and settings.database_url.database in (None, "", ":memory:"):
        return  # Each connection to it has a database of its own.
    current = _reader(settings)
    revisions = cache(lambda: _revisions(directory))

    def ask() -> None:
        known, heads = revisions()
        found = current()
        if found <= known and not heads <= found:
            at = f"is at revision {', '.join(sorted(found))}" if found else "has no revision"
            raise NotReadyError(f"The database {at}; revision {', '.join(sorted(heads))} is needed. Upgrade it.")

    app.extensions[READINESS].add("migrations", ask)


def _reader(settings: Settings) -> Callable[[], frozenset[str]]:
    """A function that reads the database's revisions."""
    engine = separate_engine(settings, patience=TIMEOUT)

    def read() -> frozenset[str]:
        refuse_missing_file(settings.database_url)
        with closing(engine.raw_connection()) as connection:
            cursor = connection.cursor()
            cursor.execute(HAS_REVISIONS[engine.dialect.name])
            if not next(iter(cursor.fetchall()))[0]:
                return frozenset()
            cursor.execute("SELECT version_num FROM alembic_version")
            return frozenset(row[0] for row in cursor.fetchall())

    return read


def _revisions(directory: Path) -> tuple[frozenset[str], frozenset[str]]:
    """All revisions of `directory`, and the last ones."""
    scripts = ScriptDirectory(str(directory))
    return frozenset(script.revision for script in scripts.walk_revisions()), frozenset(scripts.get_heads())
