"""Deciding reads no more of an agent's switches on MariaDB, however many it has made."""

from __future__ import annotations

from backend.spot.models import db
from tests.backend.conftest import spot_on
from tests.backend.engines import SITUATION
from tests.backend.statements import statements_on
from tests.support.mariadb import MariaDB

SWITCHES = 2000


def test_switches_are_counted_in_an_index(mariadb: MariaDB) -> None:
    spot = spot_on(mariadb)
    spot.sql(
        "INSERT INTO switches (id, client_id, agent_id, initiated_at)"
        f" SELECT seq, '{spot.client_id}', '{spot.agent_id}', NOW() - INTERVAL seq DAY FROM seq_1_to_{SWITCHES}"
    )
    spot.sql("ANALYZE TABLE switches")
    with statements_on(mariadb) as asked:
        assert spot.post("decide", SITUATION).status_code == 200
    (question,) = [statement for statement in asked if "FROM switches" in statement]
    with spot.app.app_context():
        engine = db.engine
    with engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN {question}".replace("%", "%%")).mappings().all()
        (counted, last) = connection.exec_driver_sql(question.replace("%", "%%")).one()
    steps = [(step["key"], step["Extra"]) for step in plan if step["table"]]
    assert steps == [("idx_switches_agent_newest", "Using where; Using index")]
    assert sum(int(step["rows"]) for step in plan if step["table"]) <= 10
    assert counted in (6, 7)
    assert last == spot.one("SELECT MAX(initiated_at) AS last FROM switches")["last"]
