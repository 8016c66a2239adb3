"""Rows for a side and emptying it, on every kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from migration.targets.database import SideDatabase, SideDatabaseError, normalise_url

NOW = datetime(2026, 11, 21, 3, 2, 10, tzinfo=UTC)
TABLES = (
    "CREATE TABLE pools (id VARCHAR(20) PRIMARY KEY, price DECIMAL(10, 4), open SMALLINT, seen TIMESTAMP NULL)",
    "CREATE TABLE prices (id {serial}, pool VARCHAR(20) REFERENCES pools (id), tags TEXT)",
    "CREATE TABLE alembic_version (version_num VARCHAR(32))",
    "CREATE TABLE cutover_routes (id INTEGER)",
)
SERIAL = {
    "sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "mysql": "INTEGER PRIMARY KEY AUTO_INCREMENT",
    "postgresql": "SERIAL PRIMARY KEY",
}
POOL = {"id": "p", "price": 0.0417, "open": True, "seen": {"$now": -70}}


class Bench:
    """A database with two tables of a domain's, and a look at it from outside."""

    def __init__(self, url: str) -> None:
        self.side = SideDatabase(url)
        self.engine = sa.create_engine(normalise_url(url), poolclass=sa.NullPool)
        for statement in TABLES:
            self.run(statement.format(serial=SERIAL[self.engine.dialect.name]))

    def run(self, statement: str) -> list[tuple[object, ...]]:
        with self.engine.begin() as connection:
            result = connection.exec_driver_sql(statement)
            return [tuple(row) for row in result] if result.returns_rows else []

    def put(self, table: str, values: dict[str, object], **more: object) -> None:
        self.side.put([{"table": table, "values": values, **more}], NOW)


@pytest.fixture(params=["sqlite", "mariadb", "postgres"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    server = None if request.param == "sqlite" else request.getfixturevalue(request.param)
    yield Bench(f"sqlite:///{tmp_path}/side.sqlite3" if server is None else server.create_database())


def test_values_become_what_their_columns_hold(bench: Bench) -> None:
    bench.put("pools", POOL)
    bench.put("prices", {"pool": "p", "tags": {"a": [1]}})
    ((price, is_open, seen),) = bench.run("SELECT price, open, seen FROM pools")
    assert (float(str(price)), is_open, str(seen)) == (0.0417, 1, "2026-11-21 03:01:00")
    assert bench.run("SELECT pool, tags FROM prices") == [("p", '{"a": [1]}')]


def test_rows_are_changed_and_looked_up(bench: Bench) -> None:
    bench.put("pools", POOL)
    bench.put("pools", {"open": 0, "seen": None}, op="update", where={"id": "p"})
    bench.put("prices", {"pool": {"$lookup": {"table": "pools", "column": "id", "where": {"open": 0}}}})
    assert bench.run("SELECT pool, seen FROM prices JOIN pools ON pools.id = pool") == [("p", None)]
    with pytest.raises(SideDatabaseError, match="there is none"):
        bench.put("prices", {"pool": {"$lookup": {"table": "pools", "column": "id", "where": {"id": "q"}}}})


def test_a_row_that_is_there_stays_and_the_others_still_come(bench: Bench) -> None:
    bench.put("pools", POOL)
    rows = [{"table": "pools", "values": {"id": name, "price": 1}} for name in ("p", "q")]
    bench.side.put(rows, NOW)
    found = bench.run("SELECT id, price FROM pools ORDER BY id")
    assert [(name, float(str(price))) for name, price in found] == [("p", 0.0417), ("q", 1.0)]


def test_of_rows_that_can_t_all_be_put_in_none_is(bench: Bench) -> None:
    nowhere = {"$lookup": {"table": "pools", "column": "id", "where": {"id": "none"}}}
    rows = [{"table": "pools", "values": {"id": "p"}}, {"table": "prices", "values": {"pool": nowhere}}]
    with pytest.raises(SideDatabaseError, match="there is none"):
        bench.side.put(rows, NOW)
    assert bench.run("SELECT id FROM pools") == []


def test_numbers_go_on_behind_those_that_were_put_in(bench: Bench) -> None:
    bench.put("prices", {"id": 7})
    bench.put("prices", {"tags": "x"})
    assert bench.run("SELECT id FROM prices ORDER BY id") == [(7,), (8,)]


def test_clearing_leaves_the_schema_its_version_and_the_tools_own_tables(bench: Bench) -> None:
    bench.put("pools", POOL)
    bench.put("prices", {"pool": "p"})
    bench.run("INSERT INTO alembic_version VALUES ('0001')")
    bench.run("INSERT INTO cutover_routes VALUES (1)")
    bench.side.clear()
    assert bench.run("SELECT COUNT(*) FROM pools") == bench.run("SELECT COUNT(*) FROM prices") == [(0,)]
    assert bench.run("SELECT * FROM alembic_version") == [("0001",)]
    assert bench.run("SELECT * FROM cutover_routes") == [(1,)]
    bench.put("prices", {"tags": "x"})
    assert bench.run("SELECT id FROM prices") == [(1,)]


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    side = SideDatabase("postgresql://user:secret@127.0.0.1:1/none")
    with pytest.raises(SideDatabaseError, match=r"user:\*\*\*@127") as caught:
        side.clear()
    assert "secret" not in str(caught.value)
