"""What MariaDB answers is read as its driver, and SQLAlchemy, would read it, whatever is in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pymysql
import pytest
from sqlalchemy import Engine, bindparam, func, literal_column, select
from sqlalchemy.engine import make_url

from backend.core.mysql_connection import FrugalConnection
from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.spot.models import Client, ReplicaInstance, Switch, db
from tests.backend.conftest import Spot, spot_on
from tests.support.mariadb import MariaDB

LENGTHS = (0, 1, 127, 128, 250, 251, 252, 255, 256, 65535, 65536, 300_000)
SELECTIONS = {
    "texts of any length": " UNION ALL ".join(f"SELECT REPEAT('x', {length}), {length}" for length in LENGTHS),
    "letters of any alphabet": "SELECT 'é', NULL, '🙂' UNION ALL SELECT 'e', '', NULL UNION ALL SELECT NULL, 'ß', 'ss'",
    "long and not ASCII": "SELECT REPEAT('é', 200), 'x' UNION ALL SELECT REPEAT('x', 200), NULL",
    "numbers": "SELECT 1, -1.50, 1e300, CAST(1.1 AS FLOAT), 18446744073709551615 UNION ALL SELECT NULL, 0, 0, 0, NULL",
    "times": "SELECT NOW(), CURDATE(), CURTIME(), NOW(6), TIMESTAMP('2026-01-02') UNION ALL SELECT NULL, 0, 0, 0, NULL",
    "octets": "SELECT x'00ff80fb', BINARY 'é' UNION ALL SELECT NULL, ''",
    "JSON": """SELECT JSON_OBJECT('a', 'é'), CAST('[1]' AS CHAR) UNION ALL SELECT NULL, '{}'""",
    "one row": "SELECT 'é', 1.50, NOW(), NULL, x'ff'",
    "no rows": "SELECT 1 FROM DUAL WHERE FALSE",
    "thousands of rows": "SELECT seq, CONCAT('n', seq), IF(seq % 3, NULL, seq / 7) FROM seq_1_to_5000",
}
STATEMENTS = {
    "decimals": select(Switch.id, Switch.on_demand_price, Switch.savings_impact, Switch.initiated_at).order_by(
        Switch.id
    ),
    "sums": select(func.sum(Switch.savings_impact), func.count(), func.max(Switch.timestamp)),
    "more digits than the type has": select(literal_column("1.23456789", type_=Switch.on_demand_price.type)),
    "JSON": select(ReplicaInstance.id, ReplicaInstance.tags, ReplicaInstance.is_active).order_by(ReplicaInstance.id),
    "of one": select(Client.name, Client.total_savings, Client.created_at).where(Client.id == bindparam("client_id")),
}


@pytest.fixture(scope="module")
def engine(mariadb: MariaDB) -> Iterator[Engine]:
    spot = spot_on(mariadb)
    fill(spot)
    with spot.app.app_context():
        yield db.engine


def fill(spot: Spot) -> None:
    spot.sql(
        "INSERT INTO switches (id, client_id, agent_id, on_demand_price, savings_impact, initiated_at)"
        f" SELECT seq, '{spot.client_id}', '{spot.agent_id}', seq / 7, IF(MOD(seq, 2), NULL, -seq / 3), NOW()"
        " FROM seq_1_to_50"
    )
    spot.sql(
        "INSERT INTO replica_instances (id, agent_id, instance_id, replica_type, instance_type, region, az, tags)"
        f" SELECT seq, '{spot.agent_id}', seq, 'manual', 't', 'r', 'z', ELT(seq, '{{\"a\": [1, \"é\"]}}', 'null', NULL)"
        " FROM seq_1_to_3"
    )


@pytest.mark.parametrize("sql", SELECTIONS.values(), ids=SELECTIONS)
def test_as_its_driver_reads_it(engine: Engine, sql: str) -> None:
    assert read(FrugalConnection, engine, sql) == read(pymysql.Connection, engine, sql)


def read(kind: type[Any], engine: Engine, sql: str) -> Any:
    url = make_url(engine.url)
    options = {"host": url.host, "port": url.port, "user": url.username, "password": url.password or ""}
    with kind(**options, database=url.database, charset="utf8mb4") as connection, connection.cursor() as cursor:
        cursor.execute("SET timestamp = 1800000000, sql_mode = ''")
        cursor.execute(sql)
        rows = cursor.fetchall()
        return [[(type(value), value) for value in row] for row in rows]


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_as_sqlalchemy_reads_it(spot_session: Session, statement: Any) -> None:
    prepared, params = Prepared(statement), {"client_id": "client-1"} if statement._where_criteria else {}
    plainly = [dict(row) for row in spot_session.connection().execute(statement, params).mappings()]
    assert [*map(typed, spot_session.dicts(prepared, params))] == [*map(typed, plainly)]
    assert [*map(typed, map(dict, spot_session.execute(prepared, params).mappings()))] == [*map(typed, plainly)]
    assert plainly


def typed(row: dict[str, Any]) -> dict[str, Any]:
    return {name: (type(value), value) for name, value in row.items()}


@pytest.fixture
def spot_session(engine: Engine) -> Session:
    return db.session()
