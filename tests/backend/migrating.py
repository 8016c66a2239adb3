"""Running revisions as processes and by hand, and seeing what they made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, Inspector, create_engine, event, inspect
from sqlalchemy.pool import NullPool

import backend.spot
from backend import create_app
from backend.core.postgresql import prepare_postgresql
from tests.backend.conftest import Database, settings_for

ROOT = Path(__file__).parents[2]
HEAD = ScriptDirectory(str(Path(backend.spot.__file__).parent / "migrations")).get_current_head()
DOERS = ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE")
KILLED_AT = f"""
import os, signal, sys
from sqlalchemy import Engine, event
left = int(sys.argv[1])

@event.listens_for(Engine, "before_cursor_execute")
def count(connection, cursor, statement, *_):
    global left
    left -= statement.lstrip().startswith({DOERS})
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

from backend import create_app
create_app("spot")
"""


def upgrade(database: Database) -> None:
    """Start an application that migrates by itself."""
    create_app("spot", settings_for(database.url, LOG_LEVEL="INFO"))


def upgrade_and_die(database: Database, statement: int) -> None:
    """Migrate in a process that is killed before it sends its `statement`th statement that changes anything."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AT, str(statement)], env=environment(database), cwd=ROOT, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL


def go_to(database: Database, revision: str) -> None:
    """Downgrade to `revision`."""
    app = create_app("spot", settings_for(database.url, AUTO_MIGRATE="false"))
    with app.app_context():
        command.downgrade(app.extensions["migrate"].migrate.get_config(), revision)


def environment(database: Database, *, auto_migrate: bool = True) -> dict[str, str]:
    """The environment of a process that works on `database`."""
    return {**os.environ, "SPOT_DATABASE_URL": database.url, "SPOT_AUTO_MIGRATE": str(auto_migrate).lower()}


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """The statements that changed anything while this lasted."""
    seen: list[str] = []

    def remember(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().startswith(DOERS):
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", remember)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", remember)


def schema(database: Database) -> dict[str, Any]:
    """Tables with their columns, keys and indexes, in an order of their own."""
    engine = create_engine(settings_for(database.url).database_url, poolclass=NullPool)
    if engine.dialect.name == "postgresql":
        prepare_postgresql(engine)
    with engine.connect() as connection:
        inspector = inspect(connection)
        return {table: _described(inspector, table) for table in inspector.get_table_names()}


def _described(inspector: Inspector, table: str) -> dict[str, Any]:
    columns, indexes = inspector.get_columns(table), inspector.get_indexes(table)
    foreign = sorted(str(key["name"]) for key in inspector.get_foreign_keys(table))
    return {
        "columns": sorted((str(c["name"]), str(c["type"]), c["nullable"], str(c["default"])) for c in columns),
        "primary": inspector.get_pk_constraint(table)["constrained_columns"],
        "unique": sorted(str(key) for key in inspector.get_unique_constraints(table)),
        "foreign": foreign,
        # MySQL makes indexes for foreign keys where they have none, by their names.
        "indexes": sorted(
            (str(index["name"]), str(index["column_names"]), index["unique"])
            for index in indexes
            if index["name"] not in foreign
        ),
    }


def triggers(database: Database) -> list[str]:
    """The names of the triggers."""
    queries = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "mariadb": "SELECT trigger_name AS name FROM information_schema.triggers WHERE trigger_schema = DATABASE()",
        "postgres": "SELECT tgname AS name FROM pg_trigger WHERE NOT tgisinternal",
    }
    return sorted(row["name"] for row in database.sql(queries[database.product]))
