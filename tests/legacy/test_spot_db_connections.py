"""How the database layer reaches its database: addresses, the pool, sessions, processes."""

from __future__ import annotations

import multiprocessing
import sqlite3
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from legacy.spot_db import Database, DatabaseError
from legacy.spot_schema import TABLES
from legacy.sql.pool import ConnectionPool
from tests.support.mariadb import MariaDB

EVENT = "INSERT INTO system_events (event_type, message) VALUES (%s, %s)"


def test_many_threads_share_the_pool(db: Database) -> None:
    def write(number: int) -> int:
        return db.execute(EVENT, ("thread", str(number)))

    with ThreadPoolExecutor(24) as threads:
        ids = list(threads.map(write, range(120)))
    assert len(set(ids)) == 120
    assert db.fetch_one("SELECT COUNT(*) AS n FROM system_events") == {"n": 120}
    assert db.free_connections == db.pool_size


def _in_children(count: int, target: Callable[..., None], *arguments: Any) -> None:
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=target, args=arguments) for _ in range(count)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
        assert child.exitcode == 0


def _write_events(db: Database) -> None:
    assert db.free_connections == db.pool_size
    for number in range(10):
        db.execute(EVENT, ("child", str(number)))


def test_a_database_works_on_both_sides_of_a_fork(db: Database) -> None:
    db.execute(EVENT, ("parent", "before"))
    _in_children(3, _write_events, db)
    db.execute(EVENT, ("parent", "after"))
    assert db.fetch_one("SELECT COUNT(*) AS n FROM system_events") == {"n": 32}


def _create_schema(url: str) -> None:
    Database(url).create_schema()


@pytest.mark.parametrize("kind", ["sqlite", "mariadb"])
def test_several_processes_may_create_the_schema_at_once(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path}/new/directory/spot.sqlite3"
    else:
        url = request.getfixturevalue("mariadb").create_database()
    _in_children(4, _create_schema, url)
    with closing(Database(url)) as database:
        for table in TABLES:
            assert database.fetch_all(f"SELECT * FROM {table}") == []
        database.execute(EVENT, ("a", "kept"))
        database.create_schema()
        assert database.fetch_one("SELECT message FROM system_events") == {"message": "kept"}


def test_nothing_is_opened_before_the_first_statement(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/spot.sqlite3", pool_size=3)
    assert (database.free_connections, database.pool_size) == (3, 3)
    assert list(tmp_path.iterdir()) == []


def test_a_relative_path_is_relative_to_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(Database("sqlite:///var/spot.sqlite3")) as database:
        database.create_schema()
    assert (tmp_path / "var" / "spot.sqlite3").exists()


def test_every_form_of_address_reaches_the_server(mariadb: MariaDB) -> None:
    name = mariadb.create_database().rpartition("/")[2]
    for url in (
        f"mariadb://root@127.0.0.1:{mariadb.port}/{name}",
        f"mysql+pymysql://root:@127.0.0.1:{mariadb.port}/{name}?charset=utf8mb4",
        f"mysql://root@localhost:{mariadb.port}/{name}",
        f"mysql://root@localhost/{name}?unix_socket={mariadb.socket_path}",
    ):
        with closing(Database(url)) as database:
            assert database.fetch_one("SELECT DATABASE() AS name") == {"name": name}


@pytest.mark.parametrize(
    "url",
    ["", "postgresql://u:secret@h/d", "mysql://u:secret@h", "sqlite://", "sqlite:///:memory:", "sqlite://spot.db"],
)
def test_an_address_that_names_no_database_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"sqlite|MySQL") as refusal:
        Database(url)
    assert "secret" not in str(refusal.value)


def test_a_driver_that_is_missing_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mysql.connector", None)
    monkeypatch.delitem(sys.modules, "legacy.sql.mysql", raising=False)
    with pytest.raises(ValueError, match=r"pip install 'cutover\[monolith\]'"):
        Database("mysql://root@127.0.0.1/spot")


def test_an_unreachable_server_is_an_error_with_a_number(mariadb: MariaDB) -> None:
    with pytest.raises(DatabaseError) as refusal:
        Database(mariadb.url("missing")).fetch_all("SELECT 1 AS n")
    assert str(refusal.value) == "1049 (42000): Unknown database 'missing'"


def test_an_unreachable_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseError, match="file/spot"):
        Database(f"sqlite:///{tmp_path}/file/spot.sqlite3").fetch_all("SELECT 1 AS n")


def test_a_lost_connection_is_replaced(mariadb: MariaDB) -> None:
    with closing(Database(mariadb.create_database(), pool_size=1)) as database:
        first = database.fetch_one("SELECT CONNECTION_ID() AS id")
        assert first is not None
        with mariadb.connect() as other, other.cursor() as cursor:
            cursor.execute("KILL %s", (first["id"],))
        assert database.fetch_one("SELECT CONNECTION_ID() AS id") != first
        assert database.free_connections == 1


def test_a_connection_lost_in_a_statement_is_an_error_and_then_replaced(mariadb: MariaDB) -> None:
    with closing(Database(mariadb.create_database(), pool_size=1)) as database:
        with pytest.raises(DatabaseError, match=r"^(1927|2006|2013) "):
            database.execute("KILL CONNECTION_ID()")
        assert database.fetch_one("SELECT 1 AS one") == {"one": 1}
        assert database.free_connections == 1


SESSION = (
    "SELECT CONNECTION_ID() AS id, @@autocommit AS autocommit, @@time_zone AS zone, @@sql_mode AS sql_mode, "
    "@@character_set_client AS charset, @@collation_connection AS collation, @kept AS kept"
)


def test_a_connection_goes_back_with_its_session_as_new(mariadb: MariaDB) -> None:
    with closing(Database(mariadb.create_database(), pool_size=1)) as database:
        fresh = database.fetch_one(SESSION)
        database.execute("SET @kept = 1, time_zone = '+02:00', sql_mode = '', autocommit = 1, NAMES latin1")
        assert database.fetch_one(SESSION) == fresh
    assert fresh is not None
    assert (fresh["autocommit"], fresh["zone"], fresh["kept"]) == (0, "+00:00", None)
    assert (fresh["charset"], fresh["collation"]) == ("utf8mb4", "utf8mb4_unicode_ci")
    assert fresh["sql_mode"].startswith("STRICT_TRANS_TABLES,")


def test_a_statement_costs_what_it_cost_the_legacy_system(mariadb: MariaDB) -> None:
    """Asked whether it lives, the statement, a COMMIT where it writes, reset, and its session set anew."""

    def told(server: Any) -> dict[str, int]:
        names = ("Com_admin_commands", "Com_commit", "Com_rollback", "Com_set_option")
        server.execute("SHOW GLOBAL STATUS WHERE Variable_name LIKE 'Com\\_%'")
        counters = dict(server.fetchall())
        return {name: int(counters[name]) for name in names}

    with closing(Database(mariadb.create_database(), pool_size=1)) as database, mariadb.connect() as watcher:
        database.create_schema()
        with watcher.cursor() as server:
            before = told(server)
            database.execute(EVENT, ("a", "one"))
            database.fetch_all("SELECT message FROM system_events")
            with pytest.raises(DatabaseError):
                database.execute("INSERT INTO agent_configs (agent_id) VALUES ('nobody')")
            after = told(server)
            server.execute(f"SELECT message FROM {database.name}.system_events")
            assert server.fetchall() == (("one",),)
    statements = 3
    counted = {name: after[name] - before[name] for name in after}
    assert (counted["Com_commit"], counted["Com_rollback"]) == (1, 0)
    # A ping and a reset, the names and autocommit: at least, versions of the driver differ.
    assert counted["Com_admin_commands"] >= 2 * statements
    assert counted["Com_set_option"] >= 2 * statements


def _refuse(connection: object) -> None:
    raise DatabaseError("gone")


def test_a_connection_that_cannot_be_reset_is_dropped() -> None:
    closed: list[object] = []
    pool: ConnectionPool[object] = ConnectionPool(object, closed.append, reset=_refuse, size=1)
    with pool.connection(lambda _: False) as first:
        pass
    with pool.connection(lambda _: False) as second:
        assert second is not first
    assert closed == [first, second]


def test_a_connection_that_does_not_live_is_dropped_and_its_place_is_free() -> None:
    closed: list[object] = []
    pool: ConnectionPool[object] = ConnectionPool(object, closed.append, check=_refuse, size=1)
    with pool.connection(lambda _: False) as first:
        pass
    with pytest.raises(DatabaseError, match="gone"), pool.connection(lambda _: False):
        pass
    assert (closed, pool.free) == ([first], 1)
    with pool.connection(lambda _: False) as second:
        assert second is not first


def test_a_full_pool_makes_callers_wait_and_then_gives_up() -> None:
    pool: ConnectionPool[object] = ConnectionPool(object, lambda _: None, size=1, timeout=0.05)
    with pool.connection(lambda _: False):
        assert pool.free == 0
        with pytest.raises(DatabaseError, match=r"^Failed getting connection; pool exhausted$"), pool.connection(bool):
            pass
    assert pool.free == 1


def test_a_waiting_caller_gets_the_connection_that_another_returns() -> None:
    pool: ConnectionPool[object] = ConnectionPool(object, lambda _: None, size=1, timeout=10)
    waiting, got = threading.Event(), []

    def wait() -> None:
        waiting.set()
        with pool.connection(lambda _: False) as connection:
            got.append(connection)

    with pool.connection(lambda _: False) as first:
        thread = threading.Thread(target=wait)
        thread.start()
        waiting.wait(10)
    thread.join(10)
    assert got == [first]


def test_a_writer_that_waits_too_long_gets_the_words_of_mysql(
    sqlite_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("legacy.sql.sqlite._BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(tmp_path / "spot.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError, match=r"^1205 \(HY000\): Lock wait timeout exceeded"):
            sqlite_db.execute(EVENT, ("a", "one"))
        other.execute("ROLLBACK")
    assert sqlite_db.execute(EVENT, ("a", "two")) == 1


def test_readers_do_not_wait_for_a_writer(sqlite_db: Database, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "spot.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO system_events (event_type) VALUES ('unfinished')")
        assert sqlite_db.fetch_all("SELECT id FROM system_events") == []
        other.execute("ROLLBACK")
