"""What the baseline's tables do by themselves, on every database, and whether the models know them."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import Table

from backend.spot.migrations import baseline
from backend.spot.models import Base
from tests.backend.conftest import Database
from tests.backend.migrating import schema, upgrade
from tests.support.mariadb import MariaDB

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
OLD = "2020-01-01 00:00:00"


@pytest.fixture
def made(database: Database) -> Database:
    """A database of each product with all tables and one client."""
    upgrade(database)
    database.sql("INSERT INTO clients (name, email, client_token) VALUES ('n', 'e', 't')")
    return database


def updated_at(made: Database) -> str:
    (row,) = made.sql("SELECT updated_at FROM clients WHERE name <> 'other'")
    return str(row["updated_at"])


def test_ids_and_defaults_are_made(made: Database) -> None:
    made.sql("INSERT INTO clients (name, email, client_token) VALUES ('other', 'e2', 't2')")
    found = made.sql("SELECT id, plan, is_active, total_savings, last_sync_at, created_at FROM clients")
    assert len({row["id"] for row in found}) == 2
    assert all(UUID.fullmatch(row["id"]) for row in found)
    assert [(row["plan"], row["is_active"], float(row["total_savings"]), row["last_sync_at"]) for row in found] == [
        ("free", 1, 0.0, None)
    ] * 2
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", str(row["created_at"])) for row in found)
    made.sql("INSERT INTO system_events (event_type) VALUES ('x')")
    assert made.sql("SELECT id, severity FROM system_events") == [{"id": 1, "severity": "info"}]


def test_updates_are_dated_unless_they_date_themselves_or_change_nothing(made: Database) -> None:
    made.sql(f"UPDATE clients SET updated_at = '{OLD}'")
    assert updated_at(made) == OLD
    if made.product != "sqlite":
        made.sql("UPDATE clients SET name = 'n'")
        assert updated_at(made) == OLD
    made.sql("UPDATE clients SET name = 'N'")
    assert updated_at(made) > "2026"


def test_pools_are_named(made: Database) -> None:
    made.sql("INSERT INTO spot_pools (id, instance_type, region, az) VALUES ('p', 't3', 'r', 'az')")
    assert made.sql("SELECT pool_name FROM spot_pools") == [{"pool_name": "t3 (az)"}]
    made.sql("UPDATE spot_pools SET pool_name = 'mine'")
    assert made.sql("SELECT pool_name FROM spot_pools") == [{"pool_name": "mine"}]
    made.sql("UPDATE spot_pools SET pool_name = NULL")
    assert made.sql("SELECT pool_name FROM spot_pools") == [{"pool_name": "t3 (az)"}]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("INSERT INTO data_processing_jobs (job_type, start_time) VALUES ('other', '2026-01-01 00:00:00')", "job_type"),
        ("INSERT INTO clients (name, email, client_token) VALUES ('x', 'E', 'u')", "email|Duplicate"),
        ("INSERT INTO agents (client_id, logical_agent_id) VALUES ('nobody', 'a')", "(?i)foreign key"),
        ("INSERT INTO clients (name, client_token) VALUES ('x', 'u')", "email"),
    ],
)
def test_rows_that_break_a_rule_are_refused(made: Database, statement: str, words: str) -> None:
    with pytest.raises(Exception, match=words):
        made.sql(statement)


@pytest.mark.parametrize("database", ["mariadb", "postgres"], indirect=True)
def test_texts_of_servers_are_compared_without_case_accents_and_spaces_behind(made: Database) -> None:
    (client,) = made.sql("SELECT id FROM clients")
    made.sql("INSERT INTO agents (client_id, logical_agent_id) VALUES (?, 'agent-é ')", client["id"].upper())
    for name in ("agent-é ", "AGENT-É "):
        assert len(made.sql("SELECT id FROM agents WHERE logical_agent_id = ?", name)) == 1, name


def test_deleting_a_client_deletes_what_is_its_own(made: Database) -> None:
    made.sql("INSERT INTO agents (id, client_id, logical_agent_id) SELECT 'a', id, 'l' FROM clients")
    made.sql("INSERT INTO commands (agent_id, client_id, command_type) SELECT 'a', id, 'switch' FROM clients")
    made.sql("DELETE FROM clients")
    assert made.sql("SELECT COUNT(*) AS n FROM commands") == made.sql("SELECT COUNT(*) AS n FROM agents") == [{"n": 0}]


def test_the_models_describe_what_the_revisions_make(mariadb: MariaDB) -> None:
    """On MySQL, whose names of indexes are those of the models."""
    database = Database("mariadb", mariadb.create_database(), lambda query: [])
    upgrade(database)
    made = schema(database)
    for model in Base.metadata.tables.values():
        there = made[model.name]
        columns = {name: (nullable, default != "None") for name, _, nullable, default in there["columns"]}
        assert columns.keys() == set(model.columns.keys())
        for column in model.columns:
            nullable, has_default = columns[column.name]
            assert nullable == column.nullable, column
            assert has_default == (column.server_default is not None) or column.primary_key, column
        assert there["primary"] == [column.name for column in model.primary_key.columns]
        names = {name for name, *_ in there["indexes"]}
        assert {str(index.name) for index in model.indexes} <= names
        assert set(there["foreign"]) == {str(key.name) for key in model.foreign_key_constraints}


def test_the_models_know_the_baselines_foreign_keys_and_indexes() -> None:
    for model in Base.metadata.tables.values():
        frozen = baseline.metadata.tables.get(model.name)
        if frozen is not None:
            assert {index.name for index in model.indexes} >= {index.name for index in frozen.indexes}
            assert _foreign_keys(model) == _foreign_keys(frozen)


def _foreign_keys(table: Table) -> set[tuple[object, ...]]:
    return {
        (key.name, key.elements[0].parent.name, key.elements[0].target_fullname, key.ondelete)
        for key in table.foreign_key_constraints
    }
