"""Statements that fail: the same number and the same words on SQLite as on MariaDB."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from legacy.spot_db import Database, DatabaseError

SYNTAX = (
    "1064 (42000): You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server "
    "version for the right syntax to use near"
)
CHILD = "1452 (23000): Cannot add or update a child row: a foreign key constraint fails (`spot_optimizer`."
CLIENT = "INSERT INTO clients (id, name, email, client_token) VALUES (%s, %s, %s, %s)"
AGENT = "INSERT INTO agents (id, client_id, logical_agent_id) VALUES (%s, %s, %s)"
SWITCH = "INSERT INTO switches (id, client_id, agent_id, command_id) VALUES (%s, %s, %s, %s)"
REPLICA = "INSERT INTO replica_instances (id, agent_id, instance_id, replica_type, status) VALUES (%s, %s, %s, %s, %s)"
CLEANUP = "INSERT INTO cleanup_logs (agent_id, client_id, cleanup_type) VALUES (%s, %s, %s)"

WRITES: list[tuple[str, Sequence[Any], str]] = [
    (CLIENT, ("c2", "n", "P@X.test", "token-1"), "1062 (23000): Duplicate entry 'P@X.test' for key 'email'"),
    (CLIENT, ("c2", "n", "e", "TOKEN-1"), "1062 (23000): Duplicate entry 'TOKEN-1' for key 'client_token'"),
    (CLIENT, ("C1", "n", "e", "t"), "1062 (23000): Duplicate entry 'C1' for key 'PRIMARY'"),
    (CLIENT, (None, "n", "e", "t"), "1048 (23000): Column 'id' cannot be null"),
    (CLIENT, ("c2", None, "e" * 300, "t"), "1048 (23000): Column 'name' cannot be null"),
    (CLIENT, ("c2", "n", "e" * 300, None), "1406 (22001): Data too long for column 'email' at row 1"),
    (AGENT, ("a2", "c1", "LOGICAL-1"), "1062 (23000): Duplicate entry 'c1-LOGICAL-1' for key 'uk_client_logical'"),
    (
        AGENT,
        ("a2", "c9", "l"),
        f"{CHILD}`agents`, CONSTRAINT `fk_agents_client` FOREIGN KEY (`client_id`) REFERENCES `clients` (`id`) "
        "ON DELETE CASCADE)",
    ),
    (
        SWITCH,
        ("s1", "c1", "a1", "no-such-command"),
        f"{CHILD}`switches`, CONSTRAINT `fk_switches_command` FOREIGN KEY (`command_id`) REFERENCES `commands` (`id`) "
        "ON DELETE SET NULL)",
    ),
    (
        CLEANUP,
        ("a9", "c9", "full"),
        f"{CHILD}`cleanup_logs`, CONSTRAINT `cleanup_logs_ibfk_1` FOREIGN KEY (`agent_id`) REFERENCES `agents` (`id`) "
        "ON DELETE CASCADE)",
    ),
    (CLEANUP, ("a1", "c1", "everything"), "1265 (01000): Data truncated for column 'cleanup_type' at row 1"),
    (REPLICA, ("r1", "a1", "i", "manual", "lost"), "1265 (01000): Data truncated for column 'status' at row 1"),
    (REPLICA, ("r1", "a1", "i", "manual", None), "1048 (23000): Column 'status' cannot be null"),
    (
        "INSERT INTO commands (id, client_id, agent_id, priority) VALUES (NULL, %s, %s, %s)",
        ("c1", "a1", "high"),
        "1364 (HY000): Field 'command_type' doesn't have a default value",
    ),
    ("UPDATE clients SET name = NULL", (), "1048 (23000): Column 'name' cannot be null"),
    ("UPDATE clients SET missing = %s", (1,), "1054 (42S22): Unknown column 'missing' in 'SET'"),
    ("UPDATE clients SET status = %s, missing = 1", ("x" * 21,), "1054 (42S22): Unknown column 'missing' in 'SET'"),
    ("UPDATE clients SET status = %s WHERE missing = 1", ("x",), "1054 (42S22): Unknown column 'missing' in 'WHERE'"),
    ("INSERT INTO clients (missing) VALUES (%s)", (1,), "1054 (42S22): Unknown column 'missing' in 'INSERT INTO'"),
    ("DELETE FROM clients WHERE missing = 1", (), "1054 (42S22): Unknown column 'missing' in 'WHERE'"),
    ("DELETE FROM missing", (), "1146 (42S02): Table 'spot_optimizer.missing' doesn't exist"),
    (
        "INSERT INTO clients (id, name) VALUES (%s)",
        (1,),
        "1136 (21S01): Column count doesn't match value count at row 1",
    ),
    (
        "UPDATE agents SET status = COALESCE(%s, status)",
        ("x" * 21,),
        "1406 (22001): Data too long for column 'status' at row 1",
    ),
    (
        "UPDATE agents SET instance_count = instance_count + 99999999999",
        (),
        "1264 (22003): Out of range value for column 'instance_count' at row 1",
    ),
    (
        "UPDATE agents SET status = COALESCE(NULL, %s)",
        ("y" * 21,),
        "1406 (22001): Data too long for column 'status' at row 1",
    ),
]

READS: list[tuple[str, Sequence[Any], str]] = [
    ("SELECT ondemand_price FROM pricing_reports", (), "1054 (42S22): Unknown column 'ondemand_price' in 'SELECT'"),
    (
        "SELECT p.id FROM spot_pools p\nWHERE p.is_available = 1 ORDER BY p.id",
        (),
        "1054 (42S22): Unknown column 'p.is_available' in 'WHERE'",
    ),
    (
        "SELECT c.id FROM clients c JOIN agents a ON a.missing = c.id",
        (),
        "1054 (42S22): Unknown column 'a.missing' in 'ON'",
    ),
    ("SELECT id FROM clients ORDER BY missing", (), "1054 (42S22): Unknown column 'missing' in 'ORDER BY'"),
    ("SELECT COUNT(*) AS n FROM clients GROUP BY missing", (), "1054 (42S22): Unknown column 'missing' in 'GROUP BY'"),
    (
        "SELECT id FROM clients WHERE id IN (SELECT missing FROM agents)",
        (),
        "1054 (42S22): Unknown column 'missing' in 'SELECT'",
    ),
    ("SELECT id FROM clients c JOIN agents a ON 1 = 1", (), "1052 (23000): Column 'id' in SELECT is ambiguous"),
    ("SELECT id FROM missing", (), "1146 (42S02): Table 'spot_optimizer.missing' doesn't exist"),
    ("SELECT missing(1) AS n FROM clients", (), "1305 (42000): FUNCTION spot_optimizer.missing does not exist"),
    ("SELECT id\nFROM clients\nLIMIT %s", (-1,), f"{SYNTAX} '-1' at line 3"),
    ("SELECT id FROM clients LIMIT %s OFFSET 3", (-1,), f"{SYNTAX} '-1 OFFSET 3' at line 1"),
    ("SELECT id FROM clients LIMIT 1 OFFSET %s", (-2,), f"{SYNTAX} '-2' at line 1"),
    ("SELECT id FROM clients LIMIT %s", ("5",), f"{SYNTAX} ''5'' at line 1"),
    ("SELECT id FROM clients LIMIT %s", (None,), f"{SYNTAX} 'NULL' at line 1"),
    ("SELECT id FROM clients WHERE", (), f"{SYNTAX} '' at line 1"),
    ("SELEC id\nFROM clients", (), f"{SYNTAX} 'SELEC id\nFROM clients' at line 1"),
    ("SELECT id FROM clients WHERE id = %s", ({"a": 1},), "Python type dict cannot be converted"),
]


def in_words(error: DatabaseError, db: Database) -> str:
    """The text of an error, the database named as in production."""
    text = str(error).replace(f"`{db.name}`", "`spot_optimizer`").replace(f"{db.name}.", "spot_optimizer.")
    return text.replace(f"FUNCTION {db.name}", "FUNCTION spot_optimizer")


@pytest.mark.parametrize(("sql", "parameters", "text"), WRITES, ids=lambda value: str(value)[:50])
def test_words_a_refused_write(db: Database, agent: str, sql: str, parameters: Sequence[Any], text: str) -> None:
    with pytest.raises(DatabaseError) as refusal:
        db.execute(sql, parameters)
    assert in_words(refusal.value, db) == text
    assert db.free_connections == db.pool_size


@pytest.mark.parametrize(("sql", "parameters", "text"), READS, ids=lambda value: str(value)[:50])
def test_words_a_refused_query(db: Database, agent: str, sql: str, parameters: Sequence[Any], text: str) -> None:
    with pytest.raises(DatabaseError) as refusal:
        db.fetch_all(sql, parameters)
    assert in_words(refusal.value, db) == text


def test_a_bad_value_for_no_row_changes_nothing_and_is_no_error(db: Database, agent: str) -> None:
    assert db.execute("UPDATE agents SET enabled = %s WHERE id = %s", ("yes", "unknown")) == 0
    assert db.execute("UPDATE agents AS a SET enabled = %s WHERE a.id = %s", ("yes", "unknown")) == 0


def test_question_marks_in_a_statement_are_no_placeholders(db: Database, agent: str) -> None:
    assert db.fetch_one("SELECT '?' AS mark, id FROM agents WHERE id <> '?' AND id = %s", (agent,)) == {
        "mark": "?",
        "id": agent,
    }
    with pytest.raises(DatabaseError, match="1366"):
        db.execute("UPDATE agents SET enabled = %s WHERE id <> '?' AND id = %s", ("yes", agent))


def test_the_number_is_at_hand(db: Database, agent: str) -> None:
    with pytest.raises(DatabaseError) as refusal:
        db.execute(CLIENT, ("c1", "n", "e", "t"))
    assert refusal.value.errno == 1062
    with pytest.raises(DatabaseError) as refusal:
        db.execute(CLIENT, ("c1", "n", "e", []))
    assert refusal.value.errno == 0


def test_a_wrong_number_of_parameters_is_refused(db: Database) -> None:
    for parameters in ((), ("c1", "c2")):
        with pytest.raises(DatabaseError, match="number of parameters"):
            db.fetch_all("SELECT id FROM clients WHERE id = %s", parameters)


def test_words_what_other_programs_constraints_report(tmp_path: Path) -> None:
    path = tmp_path / "theirs.sqlite3"
    with closing(sqlite3.connect(path)) as theirs:
        theirs.executescript(
            """
            CREATE TABLE clients (id VARCHAR(36) NOT NULL PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL,
                client_token TEXT NOT NULL, status VARCHAR(20) CHECK (length(status) <= 20),
                CONSTRAINT not_this_one CHECK (id <> 'forbidden'));
            CREATE UNIQUE INDEX uq_their_email ON clients (lower(email));
            """
        )
    with closing(Database(f"sqlite:///{path}")) as db:
        db.create_schema()
        db.execute(CLIENT, ("c1", "n", "e", "t"))
        failures: dict[str, tuple[str, Sequence[Any]]] = {
            "1062 (23000): Duplicate entry 'c1' for key 'PRIMARY'": (CLIENT, ("c1", "n", "f", "t")),
            "1062 (23000): Duplicate entry 'E' for key 'uq_their_email'": (CLIENT, ("c2", "n", "E", "t")),
            "1406 (22001): Data too long for column 'status' at row 1": (
                "UPDATE clients SET status = 'x' || %s",
                ("x" * 20,),
            ),
            "1406 (22001): Data too long for column 'name' at row 1": (CLIENT, ("c2", "n" * 256, "f", "t")),
            "4025 (23000): CONSTRAINT `not_this_one` failed for `spot_optimizer`.`clients`": (
                CLIENT,
                ("forbidden", "n", "f", "t"),
            ),
        }
        for text, (sql, parameters) in failures.items():
            with pytest.raises(DatabaseError) as refusal:
                db.execute(sql, parameters)
            assert str(refusal.value) == text
