"""The assistant on a database of its own."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from backend.assistant.models import Base
from tests.assistant.tools import Tools, tools_on


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database to copy: migrating once is enough."""
    path = tmp_path_factory.mktemp("template") / "assistant.sqlite3"
    tools_on(f"sqlite:///{path}", path.parent)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def tools(tmp_path: Path, migrated: Path) -> Tools:
    """The assistant's tools on an empty SQLite database."""
    path = tmp_path / "assistant.sqlite3"
    shutil.copy(migrated, path)
    return tools_on(f"sqlite:///{path}", tmp_path)


@pytest.fixture(scope="session")
def on_servers() -> dict[str, Tools]:
    """The tools on each database server that a test has asked for."""
    return {}


@pytest.fixture(params=["sqlite", "mariadb", "postgres"])
def tools_anywhere(request: pytest.FixtureRequest, tmp_path: Path, on_servers: dict[str, Tools]) -> Tools:
    """The same on each database product. Servers take long to make tables, so theirs are made once, and emptied."""
    if request.param == "sqlite":
        return tools_on(f"sqlite:///{tmp_path / 'assistant.sqlite3'}", tmp_path)
    if request.param not in on_servers:
        server = request.getfixturevalue(request.param)
        on_servers[request.param] = tools_on(server.create_database(), tmp_path)
    found = on_servers[request.param]
    for table in reversed(Base.metadata.sorted_tables):
        found.sql(f"DELETE FROM {table.name}")
    return found
