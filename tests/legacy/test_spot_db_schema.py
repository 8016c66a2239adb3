"""The tables that both databases really have, against the schema as data."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from legacy.spot_db import Database
from legacy.spot_schema import TABLES, Column, Table
from tests.support.mariadb import MariaDB


@pytest.fixture
def plain(sqlite_template: Path) -> Any:
    """The file as another program sees it, without functions of ours."""
    with closing(sqlite3.connect(f"file:{sqlite_template}?mode=ro", uri=True)) as connection:
        yield connection


@pytest.fixture(scope="module")
def information(mariadb: MariaDB) -> Any:
    url = mariadb.create_database()
    with closing(Database(url)) as database:
        database.create_schema()
        name = database.name

    def rows(what: str, columns: str, order: str) -> list[tuple[Any, ...]]:
        with mariadb.connect() as connection, connection.cursor() as cursor:
            schema = "constraint_schema" if "constraint" in what.lower() else "table_schema"
            cursor.execute(
                f"SELECT {columns} FROM information_schema.{what} WHERE {schema} = %s ORDER BY {order}", (name,)
            )
            return list(cursor.fetchall())

    return rows


def test_the_schema_has_every_table() -> None:
    assert len(TABLES) == 41
    assert sum(len(table.columns) for table in TABLES.values()) == 600
    assert sum(len(table.foreign_keys) for table in TABLES.values()) == 40


def declared(column: Column) -> str:
    """The type as SQLite has it: JSON as text, an ENUM as the text that holds its longest value."""
    if column.kind == "JSON":
        return "TEXT"
    if column.kind == "ENUM":
        return f"VARCHAR({max(map(len, column.choices))})"
    return "INTEGER" if column.auto_increment else column.type


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_sqlite_has_the_columns_keys_and_foreign_keys(plain: sqlite3.Connection, table: Table) -> None:
    found = plain.execute(f"PRAGMA table_info({table.name})").fetchall()
    assert [(name, kind) for _, name, kind, *_ in found] == [(c.name, declared(c)) for c in table.columns]
    for (_, _, _, not_null, default, key), column in zip(found, table.columns, strict=True):
        assert bool(not_null) is (not column.nullable and not column.auto_increment)
        assert bool(key) is (column.name in table.primary_key.columns)
        assert (default is None) is (column.default is None)
        if default is not None and column.default != "(UUID())":
            assert default == column.default
    indexes = {
        tuple(row[2] for row in plain.execute(f"PRAGMA index_info({index[1]})")): bool(index[2])
        for index in plain.execute(f"PRAGMA index_list({table.name})").fetchall()
    }
    for key in table.keys:
        assert (key.columns in indexes) or table.auto_increment
        assert not key.unique or table.auto_increment or indexes[key.columns]
    parents = {(row[3], row[2], row[4], row[6]) for row in plain.execute(f"PRAGMA foreign_key_list({table.name})")}
    assert parents == {(f.column, f.parent, f.parent_column, f.on_delete) for f in table.foreign_keys}


def test_sqlite_keeps_the_names_of_foreign_keys(plain: sqlite3.Connection) -> None:
    for table in TABLES.values():
        (text,) = plain.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table.name,)).fetchone()
        assert re.findall(r"CONSTRAINT `(\w+)` FOREIGN KEY", text) == [f.name for f in table.foreign_keys]


def test_any_program_can_write_to_the_sqlite_file(sqlite_db: Database, tmp_path: Path) -> None:
    sqlite_db.close()
    with closing(sqlite3.connect(tmp_path / "spot.sqlite3")) as other, other:
        other.execute("PRAGMA foreign_keys = ON")
        other.execute("INSERT INTO clients (name, email, client_token) VALUES ('n', 'e', 't')")
        other.execute("INSERT INTO spot_pools (id, instance_type, region, az) VALUES ('p', 't3', 'r', 'z')")
        other.execute("UPDATE clients SET total_savings = 1.5, last_sync_at = '2026-11-21 10:00:00.000000'")
        for change in (
            "status = 'longer than twenty characters'",
            "is_active = 'yes'",
            "max_agents = 2147483648",
            "total_savings = 1e12",
            "last_sync_at = '2026-11-21T10:00:00'",
            "last_sync_at = '2026-11-21 10:00:00Z'",
            "last_sync_at = '2026-02-30 10:00:00'",
            "metadata = 'no json'",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
                other.execute(f"UPDATE clients SET {change}")
        with pytest.raises(sqlite3.IntegrityError, match=r"UNIQUE.*email"):
            other.execute("INSERT INTO clients (name, email, client_token) VALUES ('n', 'E', 'u')")
    assert sqlite_db.fetch_one("SELECT last_sync_at, pool_name FROM clients, spot_pools") is not None


def test_mariadb_has_the_columns(information: Any) -> None:
    found = information(
        "columns", "table_name, column_name, column_type, is_nullable, extra", "table_name, ordinal_position"
    )
    expected = [
        (
            table.name,
            column.name,
            mariadb_type(column),
            "YES" if column.nullable else "NO",
            "auto_increment" if column.auto_increment else "on update current_timestamp()" * column.touched_on_update,
        )
        for table in sorted(TABLES.values(), key=lambda table: table.name)
        for column in table.columns
    ]
    assert sorted(found, key=lambda row: row[0]) == expected


def mariadb_type(column: Column) -> str:
    widths = {"INT": "int(11)", "BIGINT": "bigint(20)", "TINYINT": "tinyint(4)", "BOOLEAN": "tinyint(1)"}
    return widths.get(column.kind) or ("longtext" if column.kind == "JSON" else column.type.lower())


def test_mariadb_has_the_keys_by_name(information: Any) -> None:
    found = information(
        "statistics", "table_name, index_name, column_name, non_unique", "table_name, index_name, seq_in_index"
    )
    named = {(table, index, column) for table, index, column, _ in found}
    for table in TABLES.values():
        for key in table.keys:
            assert {(table.name, key.name, column) for column in key.columns} <= named
    unique = {(table, index) for table, index, _, non_unique in found if not non_unique}
    assert unique == {(table.name, key.name) for table in TABLES.values() for key in table.keys if key.unique}


def test_mariadb_has_the_foreign_keys_by_name(information: Any) -> None:
    found = information(
        "referential_constraints", "table_name, constraint_name, referenced_table_name, delete_rule", "table_name"
    )
    assert set(found) == {
        (table.name, key.name, key.parent, key.on_delete) for table in TABLES.values() for key in table.foreign_keys
    }


def test_mariadb_has_the_triggers_and_the_collation(information: Any, mariadb: MariaDB) -> None:
    assert {row[0] for row in information("tables", "table_collation", "1")} == {"utf8mb4_unicode_ci"}
    url = mariadb.create_database()
    with closing(Database(url)) as database, mariadb.connect(database.name) as connection:
        database.create_schema()
        with connection.cursor() as cursor:
            cursor.execute("SHOW TRIGGERS")
            assert {row[0] for row in cursor.fetchall()} == {"before_spot_pools_insert", "before_spot_pools_update"}
