"""The baseline: created, adopted, or refused."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect

from backend import create_app
from backend.core.migrations import AdoptionRefusedError
from backend.spot.migrations import baseline
from backend.spot.models import Base, db
from tests.backend.conftest import settings_for, sqlite_runner
from tests.support.mariadb import MariaDB

ROOT = Path(__file__).parents[2]


@pytest.fixture
def existing(tmp_path: Path, sqlite_template: Path) -> Path:
    """A database that has all tables, a row, and no trace of revisions."""
    path = tmp_path / "existing.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())
    run = sqlite_runner(path)
    run("DROP TABLE alembic_version")
    run("INSERT INTO clients (name, email, client_token) VALUES ('n', 'e', 't')")
    return path


def start(path: Path) -> None:
    create_app("spot", settings_for(f"sqlite:///{path}"))


def test_an_empty_database_gets_everything(sqlite_template: Path) -> None:
    run = sqlite_runner(sqlite_template)
    tables = {row["name"] for row in run("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert len(baseline.metadata.tables) == 41
    assert tables == set(baseline.metadata.tables) | {"alembic_version"}
    assert run("SELECT version_num FROM alembic_version") == [{"version_num": "0001"}]
    indexes = [index for table in baseline.metadata.tables.values() for index in table.indexes]
    made = run("SELECT name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite_%'")
    assert len(made) == len(indexes)


def test_starting_again_changes_nothing(tmp_path: Path) -> None:
    start(tmp_path / "a.sqlite3")
    before = sqlite_runner(tmp_path / "a.sqlite3")("SELECT sql FROM sqlite_master ORDER BY name")
    start(tmp_path / "a.sqlite3")
    assert sqlite_runner(tmp_path / "a.sqlite3")("SELECT sql FROM sqlite_master ORDER BY name") == before


def test_an_existing_database_is_adopted_with_its_rows(existing: Path, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("backend").addHandler(caplog.handler)
    with caplog.at_level("INFO", "backend.migrations"):
        create_app("spot", settings_for(f"sqlite:///{existing}", LOG_LEVEL="INFO"))
    logging.getLogger("backend").removeHandler(caplog.handler)
    assert "adopted an existing database: all 41 tables have all their columns" in caplog.text
    run = sqlite_runner(existing)
    assert run("SELECT version_num FROM alembic_version") == [{"version_num": "0001"}]
    assert run("SELECT name, client_token FROM clients") == [{"name": "n", "client_token": "t"}]


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        ("ALTER TABLE agents DROP COLUMN metadata", "Table agents lacks column metadata"),
        ("DROP TABLE audit_logs", "lacks table audit_logs"),
    ],
)
def test_a_database_that_does_not_fit_is_refused_and_left_alone(existing: Path, damage: str, complaint: str) -> None:
    run = sqlite_runner(existing)
    run(damage)
    before = run("SELECT sql FROM sqlite_master ORDER BY name")
    with pytest.raises(AdoptionRefusedError, match=complaint):
        start(existing)
    assert run("SELECT sql FROM sqlite_master ORDER BY name") == before


def test_tables_of_somebody_else_do_not_matter(tmp_path: Path) -> None:
    run = sqlite_runner(tmp_path / "a.sqlite3")
    run("CREATE TABLE somebody_else (id INTEGER)")
    start(tmp_path / "a.sqlite3")
    assert run("SELECT COUNT(*) AS n FROM clients") == [{"n": 0}]


def test_nothing_is_migrated_unless_asked_for(tmp_path: Path) -> None:
    create_app("spot", settings_for(f"sqlite:///{tmp_path}/a.sqlite3", AUTO_MIGRATE="false"))
    assert not (tmp_path / "a.sqlite3").exists()


def test_several_workers_may_start_at_once(tmp_path: Path) -> None:
    code = "from backend import create_app; create_app('spot')"
    environment = {**os.environ, "SPOT_DATABASE_URL": f"sqlite:///{tmp_path}/a.sqlite3"}
    workers = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    complaints = [worker.communicate(timeout=60)[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0], complaints
    assert sqlite_runner(tmp_path / "a.sqlite3")("SELECT COUNT(*) AS n FROM alembic_version") == [{"n": 1}]


def test_the_command_line_migrates(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "SPOT_DATABASE_URL": f"sqlite:///{tmp_path}/a.sqlite3",
        "SPOT_AUTO_MIGRATE": "false",
    }
    flask = [sys.executable, "-m", "flask", "--app", "backend:create_app('spot')", "db"]
    done = subprocess.run([*flask, "upgrade"], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    shown = subprocess.run([*flask, "current"], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "0001 (head)" in shown.stdout


class TestDefaults:
    """What raw inserts that name only some columns rely on."""

    def test_ids_are_made(self, existing: Path) -> None:
        run = sqlite_runner(existing)
        run("INSERT INTO clients (name, email, client_token) VALUES ('n', 'e2', 't2')")
        ids = [row["id"] for row in run("SELECT id FROM clients")]
        assert len(set(ids)) == 2
        assert all(len(value) == 36 and value[14] == "4" and value == value.lower() for value in ids)
        run("INSERT INTO system_events (event_type) VALUES ('x')")
        assert run("SELECT id, severity FROM system_events") == [{"id": 1, "severity": "info"}]

    def test_updates_are_dated(self, existing: Path) -> None:
        run = sqlite_runner(existing)
        run("UPDATE clients SET updated_at = '2020-01-01 00:00:00'")
        assert run("SELECT updated_at FROM clients") == [{"updated_at": "2020-01-01 00:00:00"}]
        run("UPDATE clients SET name = 'm'")
        assert run("SELECT updated_at > '2021' AS fresh FROM clients") == [{"fresh": 1}]

    def test_pools_are_named(self, existing: Path) -> None:
        run = sqlite_runner(existing)
        run("INSERT INTO spot_pools (id, instance_type, region, az) VALUES ('p', 't3', 'r', 'az')")
        assert run("SELECT pool_name FROM spot_pools") == [{"pool_name": "t3 (az)"}]
        run("UPDATE spot_pools SET pool_name = 'mine'")
        assert run("SELECT pool_name FROM spot_pools") == [{"pool_name": "mine"}]

    def test_enumerations_are_checked(self, existing: Path) -> None:
        with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
            sqlite_runner(existing)("INSERT INTO data_processing_jobs (job_type, start_time) VALUES ('other', '')")


def test_the_models_describe_the_baseline() -> None:
    for model in Base.metadata.tables.values():
        frozen = baseline.metadata.tables[model.name]
        assert [column.name for column in model.columns] == [column.name for column in frozen.columns]
        for column in model.columns:
            twin = frozen.columns[column.name]
            assert (column.nullable, column.primary_key) == (twin.nullable, twin.primary_key), twin
            has_default = column.server_default is not None
            made_elsewhere = column.primary_key
            assert has_default == (twin.server_default is not None) or made_elsewhere, twin
        assert {index.name for index in model.indexes} == {index.name for index in frozen.indexes}
        assert _foreign_keys(model) == _foreign_keys(frozen)


def _foreign_keys(table: object) -> set[tuple[object, ...]]:
    return {
        (key.name, key.elements[0].parent.name, key.elements[0].target_fullname, key.ondelete)
        for key in table.foreign_key_constraints  # type: ignore[attr-defined]
    }


class TestOnMariaDB:
    def test_everything_is_created_as_described(self, mariadb: MariaDB) -> None:
        url = mariadb.create_database()
        app = create_app("spot", settings_for(url))
        with app.app_context():
            inspector = inspect(db.engine)
            assert set(inspector.get_table_names()) == set(baseline.metadata.tables) | {"alembic_version"}
            for table in baseline.metadata.tables.values():
                names = {index["name"] for index in inspector.get_indexes(table.name)}
                assert {index.name for index in table.indexes} <= names
                options = inspector.get_table_options(table.name)
                assert "utf8mb4_unicode_ci" in options.values()
        with mariadb.connect(url.rpartition("/")[2]) as connection, connection.cursor() as cursor:
            cursor.execute("INSERT INTO clients (name, email, client_token) VALUES ('n', 'e', 't')")
            cursor.execute("UPDATE clients SET updated_at = '2020-01-01 00:00:00'")
            cursor.execute("UPDATE clients SET name = 'm'")
            cursor.execute("SELECT LENGTH(id), updated_at > '2021-01-01', plan, last_sync_at FROM clients")
            assert cursor.fetchone() == (36, 1, "free", None)
            cursor.execute("INSERT INTO spot_pools (id, instance_type, region, az) VALUES ('p', 't3', 'r', 'az')")
            cursor.execute("SELECT pool_name FROM spot_pools")
            assert cursor.fetchone() == ("t3 (az)",)

    def test_an_existing_database_is_adopted_or_refused(self, mariadb: MariaDB) -> None:
        url = mariadb.create_database()
        create_app("spot", settings_for(url))
        with mariadb.connect(url.rpartition("/")[2]) as connection, connection.cursor() as cursor:
            cursor.execute("INSERT INTO clients (name, email, client_token) VALUES ('n', 'e', 't')")
            cursor.execute("DROP TABLE alembic_version")
            create_app("spot", settings_for(url))
            cursor.execute("SELECT version_num, name FROM alembic_version, clients")
            assert cursor.fetchall() == (("0001", "n"),)
            cursor.execute("DROP TABLE alembic_version")
            cursor.execute("ALTER TABLE switches DROP COLUMN timing_data")
            with pytest.raises(AdoptionRefusedError, match="Table switches lacks column timing_data"):
                create_app("spot", settings_for(url))
            cursor.execute("SHOW TABLES LIKE 'alembic_version'")
            assert cursor.fetchall() == ()
