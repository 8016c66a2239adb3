"""What the database layer gives its callers, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from legacy.spot_db import NOW, Database, DatabaseError, Expression

EVENT = "INSERT INTO system_events (event_type, message) VALUES (%s, %s)"


def utcnow() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def test_execute_returns_the_new_id_or_the_number_of_rows(db: Database, agent: str) -> None:
    first = db.execute(EVENT, ("a", "one"))
    assert db.execute(EVENT, ("b", "two")) == first + 1
    assert db.execute("UPDATE system_events SET severity = 'error'") == 2
    assert db.execute("UPDATE system_events SET severity = 'error' WHERE id = %s", (first + 9,)) == 0
    assert db.execute("DELETE FROM system_events WHERE id = %s", (first,)) == 1
    assert db.execute("INSERT INTO agent_configs (agent_id) VALUES (%s)", (agent,)) == 1


def test_a_failed_statement_leaves_nothing_and_returns_its_connection(db: Database, agent: str) -> None:
    for _ in range(db.pool_size + 1):
        with pytest.raises(DatabaseError):
            db.execute("INSERT INTO agent_configs (agent_id) VALUES (%s), (%s)", (agent, agent))
    assert db.fetch_all("SELECT agent_id FROM agent_configs") == []
    assert db.free_connections == db.pool_size == 10


def test_fetch_one_refuses_a_second_row_unless_the_statement_is_limited(db: Database) -> None:
    assert db.fetch_one("SELECT id FROM system_events") is None
    db.execute(EVENT, ("a", "one"))
    assert db.fetch_one("SELECT message FROM system_events") == {"message": "one"}
    db.execute(EVENT, ("a", "two"))
    for _ in range(db.pool_size + 1):
        with pytest.raises(DatabaseError, match=r"^Unread result found$"):
            db.fetch_one("SELECT message FROM system_events WHERE id IN (SELECT id FROM system_events)")
    assert db.fetch_one("SELECT message FROM system_events ORDER BY id DESC LIMIT 5") == {"message": "two"}
    assert db.free_connections == db.pool_size


def test_rows_have_the_types_of_the_mysql_driver(db: Database, agent: str) -> None:
    db.execute(
        "UPDATE agents SET spot_price = 0.0125, ondemand_price = 36, last_heartbeat_at = '2026-11-21 10:00:00',"
        " hostname = '2026-11-21 10:00:00', metadata = '5', enabled = TRUE, status = '2026-11-21'"
    )
    db.execute("INSERT INTO clients_daily_snapshot (snapshot_date) VALUES ('2026-11-21')")
    row = db.fetch_one(
        """
        SELECT a.spot_price AS price, a.ondemand_price, a.last_heartbeat_at AS seen, a.hostname AS name, a.metadata,
               a.enabled, a.status, a.switches, s.snapshot_date AS day, MAX(a.last_heartbeat_at) AS newest,
               AVG(a.spot_price) AS mean, COUNT(*) AS n, COALESCE(a.ami_id, 'none') AS ami,
               DATE(a.last_heartbeat_at) AS on_day
        FROM (SELECT agents.*, (SELECT COUNT(*) FROM switches) AS switches FROM agents WHERE id = %s) a
        JOIN clients_daily_snapshot s ON 1 = 1
        GROUP BY a.id
        """,
        (agent,),
    )
    assert row == {
        "price": Decimal("0.012500"),
        "ondemand_price": Decimal("36.000000"),
        "seen": datetime(2026, 11, 21, 10),
        "name": "2026-11-21 10:00:00",
        "metadata": "5",
        "enabled": 1,
        "status": "2026-11-21",
        "switches": 0,
        "day": date(2026, 11, 21),
        "newest": datetime(2026, 11, 21, 10),
        "mean": Decimal("0.0125"),
        "n": 1,
        "ami": "none",
        "on_day": date(2026, 11, 21),
    }
    assert [type(row[name]) for name in ("price", "ondemand_price", "mean", "enabled", "metadata")] == [
        *(Decimal, Decimal, Decimal, int, str)
    ]
    assert str(row["price"]) == "0.012500"


def test_sums_of_prices_are_exact(db: Database) -> None:
    for price in (0.1, 0.2):
        db.execute(
            "INSERT INTO ondemand_price_snapshots (region, instance_type, price) VALUES ('r', 't', %s)", (price,)
        )
    assert db.fetch_one("SELECT SUM(price) AS total FROM ondemand_price_snapshots") == {"total": Decimal("0.3")}


def test_now_is_utc_in_whole_seconds(db: Database, agent: str) -> None:
    before = utcnow().replace(microsecond=0)
    db.execute("UPDATE agents SET last_heartbeat_at = NOW() WHERE id = %s", (agent,))
    row = db.fetch_one("SELECT last_heartbeat_at AS seen, created_at, NOW() AS now FROM agents")
    assert row is not None
    for moment in row.values():
        assert moment.microsecond == 0
        assert before - timedelta(seconds=60) <= moment <= utcnow()


@pytest.mark.parametrize(
    "value", ["2026-11-21T10:00:00", "2026-11-21 11:00:00+01:00", "2026-11-21", datetime(2026, 11, 21, 10, 0, 0, 5)]
)
def test_times_are_compared_as_times_in_whatever_form_they_come(db: Database, agent: str, value: Any) -> None:
    stamps = ["2026-11-20 23:59:59", "2026-11-21 09:59:59", "2026-11-21 10:00:01"]
    for stamp in stamps:
        db.execute("INSERT INTO system_events (event_type, created_at) VALUES ('a', %s)", (stamp,))
    later = db.fetch_all("SELECT created_at FROM system_events WHERE created_at > %s ORDER BY created_at", (value,))
    assert [str(row["created_at"]) for row in later] == (stamps[1:] if value == "2026-11-21" else stamps[2:])


def test_fold_ignores_case_accents_and_padding(db: Database, agent: str) -> None:
    db.execute("UPDATE clients SET name = 'Pröto Straße'")
    for name in ("proto strasse", "PRÖTO STRASSE", "Pröto Straße  "):
        assert db.fetch_one("SELECT id FROM clients WHERE FOLD(name) = FOLD(%s)", (name,)) == {"id": "c1"}
    assert db.fetch_one("SELECT id FROM clients WHERE FOLD(name) = FOLD(%s)", ("Proto",)) is None


@pytest.mark.parametrize(
    ("stored", "sought"),
    [
        ("ひらがな", "ヒラガナ"),
        ("がっこう", "かつこう"),
        ("œuvre", "OEUVRE"),
        ("Straße", "strasse"),
        ("😀", "😁"),
        ("a\u200bz", "az"),
    ],
)
def test_fold_takes_for_equal_what_the_collation_does(db: Database, agent: str, stored: str, sought: str) -> None:
    db.execute("UPDATE clients SET name = %s", (stored,))
    assert db.fetch_one("SELECT id FROM clients WHERE FOLD(name) = FOLD(%s)", (sought,)) == {"id": "c1"}


@pytest.mark.parametrize(
    ("stored", "sought"), [("ø", "o"), ("æ", "ae"), ("đ", "d"), ("ł", "l"), ("株式", "株"), ("a\tb", "ab")]
)
def test_fold_keeps_apart_what_the_collation_does(db: Database, agent: str, stored: str, sought: str) -> None:
    db.execute("UPDATE clients SET name = %s", (stored,))
    assert db.fetch_one("SELECT id FROM clients WHERE FOLD(name) = FOLD(%s)", (sought,)) is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE agents SET hostname = 'h' WHERE id = %s",
        "UPDATE agents SET hostname = 'h' WHERE client_id = 'c1' AND agents.id = %s",
    ],
)
def test_an_update_reads_texts_as_numbers_beside_a_number(db: Database, agent: str, statement: str) -> None:
    with pytest.raises(DatabaseError, match=r"^1292 \(22007\): Truncated incorrect DECIMAL value: 'a1'$"):
        db.execute(statement, (5,))
    assert db.fetch_one("SELECT id FROM agents WHERE id = %s", (5,)) is None
    db.execute("UPDATE agents SET id = '5'")
    assert db.execute(statement, (5,)) == 1


def test_texts_are_compared_without_case(db: Database, agent: str) -> None:
    assert db.fetch_one("SELECT name FROM clients WHERE client_token = %s", ("TOKEN-1",)) == {"name": "Proto Co"}


def test_percent_signs_and_quotes_mean_the_same_on_both(db: Database, agent: str) -> None:
    assert db.fetch_one("SELECT '100%%' AS a, \"it's\" AS b, id FROM clients WHERE name LIKE 'Proto%%'") == {
        "a": "100%",
        "b": "it's",
        "id": "c1",
    }
    assert db.fetch_one("SELECT %s AS a", ("%s %Y ? '",)) == {"a": "%s %Y ? '"}


POOL = {"id": "t3.z1", "instance_type": "t3", "region": "r", "az": "z1"}


def test_upsert_inserts_then_updates(db: Database) -> None:
    old = {**POOL, "updated_at": "2020-01-01 00:00:00", "is_active": 0}
    db.upsert("spot_pools", old, key=["id"], update=["is_active"])
    assert db.fetch_one("SELECT is_active, updated_at, pool_name FROM spot_pools") == {
        "is_active": 0,
        "updated_at": datetime(2020, 1, 1),
        "pool_name": "t3 (z1)",
    }
    db.upsert("spot_pools", {**POOL, "is_active": 1}, key=["id"], update=["is_active"])
    db.upsert("spot_pools", POOL, key=["id"], update={"updated_at": NOW, "pool_name": "named"})
    row = db.fetch_one("SELECT is_active, updated_at, pool_name FROM spot_pools")
    assert row is not None
    assert (row["is_active"], row["pool_name"]) == (1, "named")
    assert row["updated_at"] > datetime(2025, 1, 1)
    db.upsert("spot_pools", POOL, key=["id"], update={"is_active": Expression("is_active + 1")})
    assert db.fetch_one("SELECT is_active FROM spot_pools") == {"is_active": 2}


def test_upsert_updates_the_row_that_any_key_collides_with(db: Database) -> None:
    db.upsert("spot_pools", POOL, key=["id"], update={"updated_at": NOW})
    db.upsert("spot_pools", {**POOL, "id": "other"}, key=["id"], update={"is_active": 0})
    assert db.fetch_one("SELECT id, is_active FROM spot_pools") == {"id": "t3.z1", "is_active": 0}


def test_upsert_is_as_strict_as_an_insert(db: Database) -> None:
    with pytest.raises(DatabaseError, match=r"^1048 .*'id'"):
        db.upsert("spot_pools", {**POOL, "id": None}, key=["id"], update={"updated_at": NOW})
    with pytest.raises(DatabaseError, match=r"^1406 .*'az'"):
        db.upsert("spot_pools", {**POOL, "az": "z" * 49}, key=["id"], update={"updated_at": NOW})
    with pytest.raises(ValueError, match="without a value for id"):
        db.upsert("spot_pools", {"az": "z"}, key=["id"], update=["az"])


def test_updates_touch_updated_at_and_pools_name_themselves(db: Database) -> None:
    db.execute(
        "INSERT INTO spot_pools (id, instance_type, region, az, updated_at) "
        "VALUES ('p', 't3', 'r', 'z', '2020-01-01 00:00:00')"
    )
    db.execute("UPDATE spot_pools SET pool_name = NULL, az = 'z9'")
    row = db.fetch_one("SELECT pool_name, updated_at FROM spot_pools")
    assert row is not None
    assert row["pool_name"] == "t3 (z9)"
    assert row["updated_at"] > datetime(2025, 1, 1)
    db.execute("UPDATE spot_pools SET is_active = 0, updated_at = '2021-01-01 00:00:00'")
    assert db.fetch_one("SELECT updated_at FROM spot_pools") == {"updated_at": datetime(2021, 1, 1)}


def test_missing_ids_are_made_and_deletes_cascade(db: Database, agent: str) -> None:
    for _ in range(2):
        db.execute("INSERT INTO notifications (client_id, agent_id, message) VALUES ('c1', %s, 'm')", (agent,))
    ids = [row["id"] for row in db.fetch_all("SELECT id FROM notifications")]
    assert len(set(ids)) == 2
    assert all(len(value) == 36 and value.count("-") == 4 for value in ids)
    db.execute("DELETE FROM agents WHERE id = %s", (agent,))
    assert db.fetch_all("SELECT agent_id FROM notifications") == [{"agent_id": None}] * 2
    db.execute("DELETE FROM clients")
    assert db.fetch_all("SELECT id FROM notifications") == []
