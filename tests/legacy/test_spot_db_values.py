"""Values on their way into a column: what strict mode keeps, and the words in which it refuses."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from legacy.spot_db import Database, DatabaseError

INTEGER = "1366 (22007): Incorrect integer value: '{value}' for column `spot_optimizer`.`agents`.`{column}` at row 1"
DECIMAL = "1366 (22007): Incorrect decimal value: '{value}' for column `spot_optimizer`.`agents`.`{column}` at row 1"
DATETIME = "1292 (22007): Incorrect datetime value: '{value}' for column `spot_optimizer`.`agents`.`{column}` at row 1"
RANGE = "1264 (22003): Out of range value for column '{column}' at row 1"
CUT = "1265 (01000): Data truncated for column '{column}' at row 1"
LONG = "1406 (22001): Data too long for column '{column}' at row 1"
JSON = "4025 (23000): CONSTRAINT `agents.{column}` failed for `spot_optimizer`.`agents`"
KEPT: list[tuple[str, Any, Any]] = [
    ("instance_count", 5, 5),
    ("instance_count", "7", 7),
    ("instance_count", " 8 ", 8),
    ("instance_count", "7.6", 8),
    ("instance_count", 5.5, 6),
    ("instance_count", 6.5, 7),
    ("instance_count", -2.5, -3),
    ("instance_count", "1e2", 100),
    ("instance_count", ".5", 1),
    ("instance_count", True, 1),
    ("instance_count", 2**31 - 1, 2**31 - 1),
    ("instance_count", None, None),
    ("enabled", True, 1),
    ("enabled", False, 0),
    ("enabled", "1", 1),
    ("enabled", 1.4, 1),
    ("spot_price", 0.0125, Decimal("0.012500")),
    ("spot_price", "1.0000005", Decimal("1.000001")),
    ("spot_price", Decimal("9999.999999"), Decimal("9999.999999")),
    ("spot_price", 3, Decimal("3.000000")),
    ("spot_price", True, Decimal("1.000000")),
    ("spot_price", " 3 ", Decimal("3.000000")),
    ("status", "x" * 20 + "   ", "x" * 20),
    ("status", "äöü", "äöü"),
    ("status", 123456, "123456"),
    ("status", True, "1"),
    ("status", 1.5, "1.5"),
    ("hostname", "2026-11-21 10:00:00", "2026-11-21 10:00:00"),
    ("hostname", 'it\'s 100% \\ "quoted"', 'it\'s 100% \\ "quoted"'),
    ("metadata", '{"a": 1}', '{"a": 1}'),
    ("metadata", "5", "5"),
    ("metadata", None, None),
    ("last_heartbeat_at", "2026-11-21 10:00:00", datetime(2026, 11, 21, 10)),
    ("last_heartbeat_at", "2026-11-21T10:00:00", datetime(2026, 11, 21, 10)),
    ("last_heartbeat_at", "2026-11-21 10:00:00.999999", datetime(2026, 11, 21, 10)),
    ("last_heartbeat_at", "2026-11-21T10:00", datetime(2026, 11, 21, 10)),
    ("last_heartbeat_at", "2026-1-2 3:4:5", datetime(2026, 1, 2, 3, 4, 5)),
    ("last_heartbeat_at", "2026-11-21", datetime(2026, 11, 21)),
    ("last_heartbeat_at", "26-11-21", datetime(2026, 11, 21)),
    ("last_heartbeat_at", "20261121101112", datetime(2026, 11, 21, 10, 11, 12)),
    ("last_heartbeat_at", 20261121101112, datetime(2026, 11, 21, 10, 11, 12)),
    ("last_heartbeat_at", "2026-11-21T10:00:00.123456+00:00", datetime(2026, 11, 21, 10)),
    ("last_heartbeat_at", "2026-11-21 10:00:00-05:30", datetime(2026, 11, 21, 15, 30)),
    ("last_heartbeat_at", datetime(2026, 11, 21, 10, 0, 0, 999999), datetime(2026, 11, 21, 10)),
    ("last_heartbeat_at", date(2026, 11, 21), datetime(2026, 11, 21)),
    ("hostname", "2026-11-21T10:00:00+01:00", "2026-11-21 09:00:00"),
]

REFUSED: list[tuple[str, Any, str]] = [
    ("instance_count", "yes", INTEGER),
    ("instance_count", "", INTEGER),
    ("instance_count", "9x", CUT),
    ("instance_count", 2**31, RANGE),
    ("instance_count", 2**70, RANGE),
    ("instance_count", 1e300, RANGE),
    ("instance_count", "1e400000000", RANGE),
    ("enabled", "true", INTEGER),
    ("enabled", 128, RANGE),
    ("spot_price", "abc", DECIMAL),
    ("spot_price", "1x", CUT),
    ("spot_price", 10000, RANGE),
    ("spot_price", -1e9, RANGE),
    ("spot_price", float("nan"), "1054 (42S22): Unknown column '{value}' in 'SET'"),
    ("status", "y" * 21, LONG),
    ("status", "ä" * 21, LONG),
    ("last_heartbeat_at", "yesterday", DATETIME),
    ("last_heartbeat_at", "2026-11-20T10:00:00Z", DATETIME),
    ("last_heartbeat_at", "", DATETIME),
    ("last_heartbeat_at", "2026-02-30 10:00:00", DATETIME),
    ("last_heartbeat_at", "1969-12-31 23:59:59", DATETIME),
    ("last_heartbeat_at", "2038-01-19 03:14:08", DATETIME),
    ("last_heartbeat_at", 1763690000, DATETIME),
    ("last_heartbeat_at", 1763690000.5, DATETIME),
    ("last_heartbeat_at", True, DATETIME.replace("{value}", "1")),
    ("last_heartbeat_at", "x" * 200, DATETIME.replace("{value}", "x" * 125 + "...")),
    ("metadata", "{a: 1}", JSON),
    ("metadata", "NaN", JSON),
    ("logical_agent_id", None, "1048 (23000): Column '{column}' cannot be null"),
    ("hostname", {"a": 1}, "Python type dict cannot be converted"),
    ("hostname", ["a"], "Python type list cannot be converted"),
    ("hostname", ("a",), "Python type tuple cannot be converted"),
]


def in_words(error: DatabaseError, db: Database) -> str:
    """The text of an error, the database named as in production."""
    return str(error).replace(f"`{db.name}`", "`spot_optimizer`")


@pytest.mark.parametrize(("column", "value", "kept"), KEPT, ids=str)
def test_keeps(db: Database, agent: str, column: str, value: Any, kept: Any) -> None:
    db.execute(f"UPDATE agents SET {column} = %s WHERE id = %s", (value, agent))
    row = db.fetch_one(f"SELECT {column} FROM agents WHERE id = %s", (agent,))
    assert row == {column: kept}
    assert type(row[column]) is type(kept)


@pytest.mark.parametrize(("column", "value", "text"), REFUSED, ids=lambda value: str(value)[:30])
def test_refuses(db: Database, agent: str, column: str, value: Any, text: str) -> None:
    before = db.fetch_one("SELECT * FROM agents WHERE id = %s", (agent,))
    with pytest.raises(DatabaseError) as refusal:
        db.execute(f"UPDATE agents SET {column} = %s WHERE id = %s", (value, agent))
    assert in_words(refusal.value, db) == text.format(column=column, value=value)
    assert refusal.value.errno == (int(text[:4]) if text[:4].isdigit() else 0)
    assert db.fetch_one("SELECT * FROM agents WHERE id = %s", (agent,)) == before
