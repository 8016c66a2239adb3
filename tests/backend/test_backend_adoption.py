"""A database that existed before: taken over as it is, or refused with everything that is wrong with it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backend.core.migrations import AdoptionRefusedError
from backend.spot.migrations import baseline
from legacy.spot_db import Database as Monolith
from tests.backend.conftest import Database, server_runner, sqlite_runner
from tests.backend.migrating import HEAD, schema, upgrade
from tests.support.mariadb import MariaDB

CLIENT = "INSERT INTO clients (id, name, email, client_token) VALUES ('c{0}', 'Ä {0}', 'e{0}@x', 't{0} ')"
AGENT = (
    "INSERT INTO agents (id, client_id, logical_agent_id, spot_price, last_heartbeat_at, updated_at, metadata)"
    " VALUES ('a{0}', 'c{0}', 'l{0}', 0.012345, '2026-01-02 03:04:05', '2020-01-01 00:00:00', NULL)"
)


@pytest.fixture(params=["sqlite", "mariadb"])
def monolith(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """A database that the monolith's own schema made, with rows in it."""
    if request.param == "sqlite":
        path = tmp_path / "monolith.sqlite3"
        database = Database("sqlite", f"sqlite:///{path}", sqlite_runner(path))
    else:
        server: MariaDB = request.getfixturevalue("mariadb")
        url = server.create_database()
        database = Database("mariadb", url, server_runner(server, url))
    with closing(Monolith(database.url)) as made:
        made.create_schema()
    for number in range(3):
        database.sql(CLIENT.format(number))
        database.sql(AGENT.format(number))
    return database


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """What the upgrade says."""
    logger = logging.getLogger("backend")
    logger.addHandler(caplog.handler)
    caplog.set_level("INFO", "backend.migrations")
    yield lambda: caplog.text
    logger.removeHandler(caplog.handler)


def rows(database: Database) -> dict[str, list[dict[str, Any]]]:
    """Every row of the baseline's tables, with the baseline's columns."""
    return {
        name: database.sql(
            f"SELECT {', '.join(_quoted(database, column.name) for column in table.columns)} FROM {name} ORDER BY 1"
        )
        for name, table in baseline.metadata.tables.items()
    }


def _quoted(database: Database, name: str) -> str:
    return f"`{name}`" if database.product == "mariadb" else f'"{name}"'


def test_a_monoliths_database_is_adopted_without_touching_a_row(monolith: Database, told: Callable[[], str]) -> None:
    before = rows(monolith)
    assert len(before["agents"]) == 3
    upgrade(monolith)
    assert rows(monolith) == before
    assert monolith.sql("SELECT version_num FROM alembic_version") == [{"version_num": HEAD}]
    assert "adopted an existing database: all 41 tables have all their columns" in told()
    assert "without these indexes" not in told()
    upgrade(monolith)
    assert told().count("adopted") == 1


def test_what_is_there_beside_is_named_and_left_alone(monolith: Database, told: Callable[[], str]) -> None:
    monolith.sql("CREATE TABLE somebody_else (id INTEGER PRIMARY KEY)")
    monolith.sql("ALTER TABLE agents ADD COLUMN nickname VARCHAR(20)")
    monolith.sql("CREATE INDEX idx_of_theirs ON agents (hostname, ami_id)")
    monolith.sql("CREATE VIEW online AS SELECT id FROM agents")
    monolith.sql("UPDATE agents SET nickname = 'mine'")
    upgrade(monolith)
    for words in ("tables somebody_else", "columns agents.nickname", "indexes agents.idx_of_theirs", "views online"):
        assert f"left alone what the baseline does not know: {words}" in told()
    assert len(monolith.sql("SELECT * FROM agents WHERE nickname = 'mine'")) == 3
    assert {"somebody_else", "agents"} <= schema(monolith).keys()


def test_missing_indexes_are_named(monolith: Database, told: Callable[[], str]) -> None:
    where = " ON switches" if monolith.product == "mariadb" else ""
    (index,) = [name for name, *_ in schema(monolith)["switches"]["indexes"] if name.endswith("idx_switches_trigger")]
    monolith.sql(f"DROP INDEX {index}{where}")
    upgrade(monolith)
    assert "without these indexes of the baseline, questions are slow: switches (event_trigger)" in told()


def test_everything_that_is_missing_is_named_at_once(monolith: Database) -> None:
    monolith.sql("DROP TABLE audit_logs")
    monolith.sql("DROP TABLE pool_risk_analysis")
    monolith.sql("ALTER TABLE agents DROP COLUMN metadata")
    monolith.sql("ALTER TABLE switches DROP COLUMN timing_data")
    before = schema(monolith)
    with pytest.raises(AdoptionRefusedError) as refused:
        upgrade(monolith)
    assert "- table audit_logs is missing\n" in str(refused.value)
    assert "- table pool_risk_analysis is missing\n" in str(refused.value)
    assert "- table agents: column metadata is missing\n" in str(refused.value)
    assert "- table switches: column timing_data is missing\n" in str(refused.value)
    assert str(refused.value).count("\n- ") == 4
    assert schema(monolith) == before


def test_columns_that_cannot_hold_the_values_are_named(mariadb: MariaDB) -> None:
    url = mariadb.create_database()
    database = Database("mariadb", url, server_runner(mariadb, url))
    upgrade(database)
    database.sql("DROP TABLE alembic_version")
    for change in (
        "agents MODIFY hostname VARCHAR(100)",
        "agents MODIFY instance_count TINYINT",
        "agents MODIFY last_heartbeat_at DATE",
        "agents MODIFY metadata INT",
        "agents MODIFY spot_price DECIMAL(10,2)",
        "agents MODIFY ami_id VARCHAR(50) NOT NULL",
        "replica_instances MODIFY status ENUM('launching', 'ready') NOT NULL",
        "clients ADD COLUMN vat_id VARCHAR(20) NOT NULL",
        "notifications MODIFY severity VARCHAR(2000)",
        "switches MODIFY downtime_seconds BIGINT",
        "clients ADD COLUMN region VARCHAR(20) NOT NULL DEFAULT 'eu'",
    ):
        database.sql(f"ALTER TABLE {change}")
    with pytest.raises(AdoptionRefusedError) as refused:
        upgrade(database)
    problems = [line.removeprefix("- ") for line in str(refused.value).splitlines() if line.startswith("- ")]
    assert sorted(problems) == [
        "table agents: column ami_id does not allow NULL",
        "table agents: column hostname is VARCHAR(100), which cannot hold every VARCHAR(255)",
        "table agents: column instance_count is TINYINT(4), which cannot hold every INTEGER",
        "table agents: column last_heartbeat_at is DATE, which cannot hold every TIMESTAMP",
        "table agents: column metadata is INTEGER(11), which cannot hold every JSON",
        "table agents: column spot_price is DECIMAL(10, 2), which cannot hold every NUMERIC(10, 6)",
        "table clients: column vat_id, unknown here, would have to be given a value",
        "table replica_instances: column status is ENUM('launching','ready'), which cannot hold every"
        " ENUM('launching','syncing','ready','promoted','terminated','failed')",
    ]


def test_a_table_without_its_primary_key_is_refused(mariadb: MariaDB) -> None:
    url = mariadb.create_database()
    database = Database("mariadb", url, server_runner(mariadb, url))
    upgrade(database)
    database.sql("DROP TABLE alembic_version")
    database.sql("ALTER TABLE audit_logs DROP PRIMARY KEY")
    with pytest.raises(AdoptionRefusedError, match="table audit_logs: its primary key is not id"):
        upgrade(database)


def test_tables_of_somebody_else_do_not_matter(database: Database, told: Callable[[], str]) -> None:
    database.sql("CREATE TABLE somebody_else (id INTEGER PRIMARY KEY)")
    upgrade(database)
    assert database.sql("SELECT COUNT(*) AS n FROM clients") == [{"n": 0}]
    assert "adopted" not in told()


def test_our_own_database_is_adopted_when_its_version_is_lost(database: Database) -> None:
    upgrade(database)
    database.sql(CLIENT.format(1))
    before = schema(database)
    database.sql("DROP TABLE alembic_version")
    upgrade(database)
    assert schema(database) == before
    assert [row["client_token"] for row in database.sql("SELECT client_token FROM clients")] == ["t1 "]


def test_events_of_the_database_are_told_each_time_until_they_are_dropped(
    mariadb: MariaDB, told: Callable[[], str]
) -> None:
    """The monolith's script for MySQL leaves views, procedures and events, which go on whoever serves the routes."""
    url = mariadb.create_database()
    database = Database("mariadb", url, server_runner(mariadb, url))
    with closing(Monolith(url)) as made:
        made.create_schema()
    database.sql("CREATE VIEW agent_overview AS SELECT id FROM agents")
    database.sql("CREATE PROCEDURE cleanup_old_data() DELETE FROM system_events")
    database.sql("CREATE EVENT evt_update_total_savings ON SCHEDULE EVERY 1 DAY DO UPDATE clients SET total_savings=0")
    database.sql("CREATE EVENT evt_mine ON SCHEDULE EVERY 1 DAY DO DELETE FROM audit_logs")
    for times in (1, 2):
        upgrade(database)
        assert (
            told().count("the database's own event evt_update_total_savings is still at work: it sets every") == times
        )
    assert "end it with DROP EVENT `evt_update_total_savings`" in told()
    assert "event evt_mine is still at work: what it does is not known here" in told()
    assert "left alone what the baseline does not know: procedures cleanup_old_data" in told()
    assert "left alone what the baseline does not know: views agent_overview" in told()
    database.sql("DROP EVENT evt_update_total_savings")
    upgrade(database)
    assert told().count("event evt_update_total_savings is still at work") == 2
