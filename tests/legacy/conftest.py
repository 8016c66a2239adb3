"""The monolith's database for tests: on SQLite, and on MariaDB, empty before each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from legacy.spot_db import Database
from legacy.spot_schema import TABLES
from tests.support.mariadb import MariaDB


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file that holds the schema and nothing else."""
    path = tmp_path_factory.mktemp("schema") / "empty.sqlite3"
    database = Database(f"sqlite:///{path}")
    database.create_schema()
    database.close()
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'spot.sqlite3')}"


@pytest.fixture
def sqlite_db(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url)
    yield database
    database.close()


@pytest.fixture(scope="session")
def mariadb_schema(mariadb: MariaDB) -> Iterator[Database]:
    database = Database(mariadb.create_database())
    database.create_schema()
    yield database
    database.close()


@pytest.fixture
def mariadb_db(mariadb_schema: Database) -> Database:
    for table in reversed(TABLES):
        mariadb_schema.execute(f"DELETE FROM {table}")
    return mariadb_schema


@pytest.fixture(params=["sqlite", "mariadb"])
def db(request: pytest.FixtureRequest) -> Database:
    """The same test on both databases."""
    database: Database = request.getfixturevalue(f"{request.param}_db")
    return database


@pytest.fixture
def agent(db: Database) -> str:
    """The id of an agent of client ``c1``."""
    db.execute("INSERT INTO clients (id, name, email, client_token) VALUES ('c1', 'Proto Co', 'p@x.test', 'token-1')")
    db.execute("INSERT INTO agents (id, client_id, logical_agent_id) VALUES ('a1', 'c1', 'logical-1')")
    return "a1"
