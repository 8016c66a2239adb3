"""What clients look at is found by indexes on MariaDB, however long the histories of others are."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import Engine

from backend.spot.models import db
from tests.backend.conftest import Spot, spot_on
from tests.backend.looking_back import now
from tests.backend.shown_to_clients import READS, fill
from tests.backend.statements import statements_on
from tests.support.mariadb import MariaDB

CROWD = 3000
BY_CROWD = f"FROM seq_1_to_{CROWD}"
THEN = "NOW() - INTERVAL seq MINUTE"
# Columns and values of one row of each growing table, for each member of the crowd.
HISTORIES = {
    "agents": {"id": "CONCAT('agent-', seq)", "client_id": "'crowd'", "logical_agent_id": "seq", "status": "'online'"},
    "instances": {
        "id": "CONCAT('crowd-', seq)",
        "client_id": "'crowd'",
        "instance_type": "'m5.large'",
        "region": "'us-east-1'",
        "az": "'us-east-1a'",
    },
    "spot_price_snapshots": {"pool_id": "'m5.large.us-east-1a'", "price": "0.1", "captured_at": THEN},
    "ondemand_price_snapshots": {
        "region": "'us-east-1'",
        "instance_type": "'m5.large'",
        "price": "0.1",
        "captured_at": THEN,
    },
    "switches": {
        "id": "seq",
        "client_id": "'crowd'",
        "agent_id": "CONCAT('agent-', seq)",
        "old_instance_id": "CONCAT('crowd-', seq)",
        "new_instance_id": "CONCAT('crowd-', seq)",
        "initiated_at": THEN,
    },
    "pricing_reports": {"id": "seq", "agent_id": "CONCAT('agent-', seq)", "received_at": THEN},
    "agent_decision_history": {
        "agent_id": "CONCAT('agent-', seq)",
        "client_id": "'crowd'",
        "decision_type": "'stay'",
        "decision_time": THEN,
    },
    "system_events": {
        "event_type": "'x'",
        "client_id": "'crowd'",
        "agent_id": "CONCAT('agent-', seq)",
        "created_at": THEN,
    },
    "notifications": {"id": "seq", "client_id": "'crowd'", "message": "'m'", "created_at": THEN},
    "replica_instances": {
        "id": "seq",
        "agent_id": "CONCAT('agent-', seq)",
        "instance_id": "seq",
        "replica_type": "'manual'",
    },
}


@dataclass
class Step:
    """How MariaDB reads one table for a statement."""

    statement: str
    table: str
    key: str | None
    access: str


@pytest.fixture(scope="module")
def plans(mariadb: MariaDB) -> dict[str, list[Step]]:
    """Request -> how each of its statements reads its tables, among the histories of a crowd."""
    spot = spot_on(mariadb)
    fill(spot, now())
    add_crowd(spot)
    with spot.app.app_context():
        engine = db.engine
    found = {}
    for read in READS:
        with statements_on(mariadb) as asked:
            assert spot.http.get(f"/api/{read}", headers=spot.headers).status_code == 200
        found[read] = [step for statement in asked for step in explain(engine, statement)]
    return found


def add_crowd(spot: Spot) -> None:
    spot.add_client("crowd", "token-of-the-crowd")
    spot.sql("INSERT INTO spot_pools (id, instance_type, region, az) VALUES ('m5.large.us-east-1a', 'm5', 'r', 'a')")
    for table, row in HISTORIES.items():
        spot.sql(f"INSERT INTO {table} ({', '.join(row)}) SELECT {', '.join(row.values())} {BY_CROWD}")
        spot.sql(f"ANALYZE TABLE {table}")


def explain(engine: Engine, statement: str) -> list[Step]:
    if not statement.startswith("SELECT"):
        return []
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN {statement}".replace("%", "%%")).mappings().all()
    return [Step(statement, row["table"], row["key"], row["type"]) for row in rows if row["table"]]


@pytest.mark.parametrize("read", READS)
def test_no_history_is_read_from_end_to_end(plans: dict[str, list[Step]], read: str) -> None:
    scanned = [step for step in plans[read] if step.table in HISTORIES and (step.key is None or step.access == "ALL")]
    assert scanned == []


@pytest.mark.parametrize("read", READS)
def test_statements_are_few(plans: dict[str, list[Step]], read: str) -> None:
    most = {"client/client-1/agents/decisions": 4, "client/pricing-history": 4}
    statements = {step.statement for step in plans[read]}
    assert 1 <= len(statements) <= most.get(read.partition("?")[0], 3)
