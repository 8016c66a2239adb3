"""Revisions: from nothing to the head, by one process at a time, again after a crash, and back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backend import create_app
from backend.core import migration_lock
from backend.core.database import separate_engine
from backend.core.migration_lock import MigrationBusyError, one_at_a_time
from backend.core.migrations import MigrationError
from backend.spot.migrations import baseline
from tests.backend.conftest import Database, settings_for, sqlite_runner
from tests.backend.migrating import (
    HEAD,
    ROOT,
    counted_statements,
    environment,
    go_to,
    schema,
    triggers,
    upgrade,
    upgrade_and_die,
)
from tests.support.mariadb import MariaDB
from tests.support.postgres import PostgreSQL

FLASK = [sys.executable, "-m", "flask", "--app", "backend:create_app('spot')", "db"]


def version(database: Database) -> str:
    (row,) = database.sql("SELECT version_num FROM alembic_version")
    return str(row["version_num"])


def test_an_empty_database_gets_everything(database: Database) -> None:
    upgrade(database)
    assert len(baseline.metadata.tables) == 41
    made = schema(database)
    assert made.keys() >= baseline.metadata.tables.keys()
    assert "alembic_unfinished" not in made
    assert version(database) == HEAD
    for name, table in baseline.metadata.tables.items():
        assert len(made[name]["columns"]) >= len(table.columns)
        assert len(made[name]["indexes"]) >= len(table.indexes)


def test_starting_again_changes_nothing(database: Database) -> None:
    upgrade(database)
    with counted_statements() as seen:
        upgrade(database)
    assert seen == []


def test_revisions_may_find_what_they_add(database: Database) -> None:
    upgrade(database)
    before = schema(database)
    database.sql("DELETE FROM alembic_version")
    database.sql("INSERT INTO alembic_version VALUES ('0001')")
    upgrade(database)
    assert (schema(database), version(database)) == (before, HEAD)


def test_all_revisions_but_the_baseline_can_be_undone(database: Database) -> None:
    upgrade(database)
    newest = schema(database)
    database.sql("INSERT INTO clients (id, name, email, client_token) VALUES ('c', 'n', 'e', 't')")
    go_to(database, "0001")
    assert version(database) == "0001"
    oldest = schema(database)
    assert oldest.keys() == {*baseline.metadata.tables, "alembic_version"}
    for name, table in baseline.metadata.tables.items():
        assert {column[0] for column in oldest[name]["columns"]} == set(table.columns.keys())
    upgrade(database)
    assert schema(database) == newest
    assert database.sql("SELECT name FROM clients") == [{"name": "n"}]
    with pytest.raises(NotImplementedError, match="cannot be undone"):
        go_to(database, "base")


def test_a_crash_leaves_nothing_where_changes_of_tables_are_part_of_a_transaction(
    postgres: PostgreSQL, tmp_path: Path
) -> None:
    url = postgres.create_database()
    path = tmp_path / "a.sqlite3"
    for database in (
        Database("sqlite", f"sqlite:///{path}", sqlite_runner(path)),
        Database("postgres", url, lambda query: []),
    ):
        upgrade_and_die(database, 100)
        assert schema(database) == {}


@pytest.mark.parametrize("database", ["mariadb"], indirect=True)
@pytest.mark.parametrize("part", [0.01, 0.2, 0.5, 0.85, 0.9, 0.95, 0.98])
def test_what_a_crash_left_is_completed(database: Database, mariadb: MariaDB, part: float) -> None:
    """On MySQL each statement that makes a table or an index stays done."""
    whole = Database("mariadb", mariadb.create_database(), database.sql)
    with counted_statements() as statements:
        upgrade(whole)
    upgrade_and_die(database, round(len(statements) * part) + 1)
    upgrade(database)
    assert schema(database) == schema(whole)
    assert triggers(database) == ["before_spot_pools_insert", "before_spot_pools_update"]
    assert version(database) == HEAD


def test_several_workers_may_start_at_once(database: Database) -> None:
    code = "from backend import create_app; create_app('spot')"
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=environment(database), cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    complaints = [worker.communicate(timeout=120)[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0], complaints
    assert version(database) == HEAD


def test_whoever_migrates_is_waited_for_but_not_for_ever(
    mariadb: MariaDB, postgres: PostgreSQL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration_lock, "PATIENCE_SECONDS", 1)
    for url in (f"sqlite:///{tmp_path}/a.sqlite3", mariadb.create_database(), postgres.create_database()):
        database = Database("", url, lambda query: [])
        with migrating(url), pytest.raises(MigrationBusyError, match="Another process has been migrating"):
            upgrade(database)
        upgrade(database)


def test_databases_of_one_server_are_migrated_independently(mariadb: MariaDB) -> None:
    with migrating(mariadb.create_database()):
        upgrade(Database("mariadb", mariadb.create_database(), lambda query: []))


@contextmanager
def migrating(url: str) -> Iterator[None]:
    """While this lasts, somebody migrates the database at `url`."""
    with separate_engine(settings_for(url), patience=10).connect() as connection, one_at_a_time(connection):
        yield


def test_nothing_is_migrated_unless_asked_for(tmp_path: Path) -> None:
    create_app("spot", settings_for(f"sqlite:///{tmp_path}/a.sqlite3", AUTO_MIGRATE="false"))
    assert not (tmp_path / "a.sqlite3").exists()


class TestCommandLine:
    def run(self, database: Database, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*FLASK, *arguments],
            env=environment(database, auto_migrate=False),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def test_it_migrates_and_tells_the_revision(self, database: Database) -> None:
        before = self.run(database, "current")
        assert (before.returncode, before.stdout) == (0, "")
        done = self.run(database, "upgrade")
        assert done.returncode == 0, done.stderr
        assert f"the database is at revision {HEAD} now, after none" in done.stderr
        assert f"{HEAD} (head)" in self.run(database, "current").stdout

    def test_a_database_that_is_not_there_is_a_sentence(self) -> None:
        done = self.run(Database("mariadb", "mysql://root@127.0.0.1:1/spot", lambda query: []), "upgrade")
        assert done.returncode == 1
        assert "The database was not brought up to date: 2003 (HY000): Can't connect" in done.stderr
        assert "Traceback" not in done.stderr

    def test_scripts_are_refused(self, database: Database) -> None:
        done = self.run(database, "upgrade", "--sql")
        assert done.returncode == 1
        assert "SQL scripts are not supported" in done.stderr


def test_a_server_that_refuses_is_named_by_its_words(mariadb: MariaDB) -> None:
    with pytest.raises(MigrationError, match="Unknown database 'nowhere'"):
        upgrade(Database("mariadb", mariadb.url("nowhere"), lambda query: []))
