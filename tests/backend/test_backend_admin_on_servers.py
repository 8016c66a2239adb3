"""What operators do, on the databases of production."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.backend.conftest import TOKEN, Spot, spot_on
from tests.backend.statements import statements_on
from tests.support.mariadb import MariaDB
from tests.support.waiting import eventually


def get(spot: Spot, what: str) -> Any:
    answer = spot.http.get(f"/api/admin/{what}")
    assert answer.status_code == 200, answer.text
    return answer.json


def create(spot: Spot, **body: Any) -> tuple[int, Any]:
    answer = spot.http.post("/api/admin/clients/create", json=body)
    return answer.status_code, answer.json


def test_the_life_of_a_client(spot_on_server: Spot) -> None:
    spot = spot_on_server
    status, answer = create(spot, name="Pröto Co")
    assert status == 200
    client = answer["client"]
    assert create(spot, name="PROTO CO")[0] == 409
    status, answer = create(spot, name="Other", email="PRÖTO_CO@example.com")
    assert (status, answer["error"][:12]) == (500, "1062 (23000)")
    assert create(spot, name="Other", email=None)[1]["error"] == "1048 (23000): Column 'email' cannot be null"
    assert [row["name"] for row in get(spot, "clients")] in (["Pröto Co", "client-1"], ["client-1", "Pröto Co"])
    token = get(spot, f"clients/{client['id'].upper()}/token")
    assert token == {"client_name": "Pröto Co", "token": client["token"]}
    spot.http.post(f"/api/admin/clients/{client['id']}/regenerate-token")
    spot.headers = {"Authorization": f"Bearer {client['token']}"}
    assert spot.register(logical_agent_id="late").status_code == 401
    assert spot.http.delete(f"/api/admin/clients/{client['id']}").status_code == 200
    assert spot.http.delete(f"/api/admin/clients/{client['id']}").status_code == 404
    kept = "SELECT action, entity_id, details FROM audit_logs ORDER BY action"
    rows = eventually(lambda: spot.sql(kept), until=lambda rows: len(rows) == 4)
    assert [row["action"] for row in rows] == [
        "client_created",
        "client_deleted",
        "client_token_regenerated",
        "client_token_requested",
    ]
    assert {row["entity_id"].lower() for row in rows} == {client["id"]}
    assert json.loads(rows[0]["details"]) == {"name": "Pröto Co"}


def test_deleting_a_client_takes_its_agents_along(spot_on_server: Spot) -> None:
    spot = spot_on_server
    assert spot.http.delete(f"/api/admin/clients/{spot.client_id}").status_code == 200
    assert spot.one("SELECT COUNT(*) AS n FROM agents") == {"n": 0}
    assert get(spot, "activity")[0]["text"] == f"Client {spot.client_id} ({spot.client_id}) deleted permanently"


def test_the_whole_system_in_lists_and_numbers(spot_on_server: Spot) -> None:
    spot = spot_on_server
    spot.register(logical_agent_id="agent-2", instance_id="i-2", mode="spot", region="eu-west-1")
    spot.sql("UPDATE agents SET last_heartbeat_at = NULL, status = 'deleted' WHERE logical_agent_id = 'agent-2'")
    spot.sql("UPDATE clients SET total_savings = 1.25")
    stats = get(spot, "stats")
    assert (stats["agentsOnline"], stats["agentsTotal"], stats["totalSavings"]) == (1, 2, 1.25)
    (client,) = get(spot, "clients")
    assert (client["agentsOnline"], client["agentsTotal"], client["instances"]) == (1, 2, 2)
    assert [agent["logicalAgentId"] for agent in get(spot, "agents")["agents"]] == ["agent-1", "agent-2"]
    assert get(spot, "agents?status=DELETED")["total"] == 1
    assert [row["id"] for row in get(spot, "instances?mode=SPOT&region=EU-WEST-1&status=active")["instances"]] == [
        "i-2"
    ]
    assert get(spot, "instances?status=terminated") == {
        "filters": {"mode": None, "region": None, "status": "terminated"},
        "instances": [],
        "total": 0,
    }
    assert get(spot, "clients/growth") == []
    assert {entry["type"] for entry in get(spot, "activity")} == {"agent"}
    assert get(spot, "system-health")["database"] == "Connected"


def test_each_part_of_the_health_survives_the_others(spot_on_server: Spot) -> None:
    spot = spot_on_server
    assert get(spot, "system-health")["jobs"] != []
    spot.sql("DROP TABLE job_runs")
    health = eventually(lambda: get(spot, "system-health"), until=lambda health: not health["jobs"])
    assert (health["jobs"], health["database"], health["decisionEngine"]) == ([], "Connected", "Loaded")
    spot.sql("ALTER TABLE model_registry RENAME TO models_of_yesterday")
    health = get(spot, "system-health")
    assert (health["database"], health["modelStatus"]["activeModels"]) == ("Disconnected", [])
    assert health["connectionPool"] == get(spot, "system-health")["connectionPool"] == "10/10"


def test_hashes_find_tokens_however_they_are_spelt(spot_on_server: Spot) -> None:
    spot = spot_on_server
    spot.http.post(f"/api/admin/clients/{spot.client_id}/regenerate-token")
    token = get(spot, f"clients/{spot.client_id}/token")["token"]
    spot.sql("UPDATE clients SET client_token = 'hashed:00000000000000000000000000000000'")
    for offered, status in ((token, 200), (token.upper(), 200), (TOKEN, 401), ("hashed:" + 32 * "0", 401)):
        spot.headers = {"Authorization": f"Bearer {offered}"}
        assert spot.get("config").status_code == status


GROWING = ("agents", "instances", "switches", "system_events")
MANY = (
    "INSERT INTO agents (id, client_id, logical_agent_id, status, instance_id, last_heartbeat_at) SELECT"
    " CONCAT('a', seq), 'client-1', CONCAT('l', seq), 'online', CONCAT('i', seq), NOW() - INTERVAL seq SECOND"
    " FROM seq_1_to_3000",
    "INSERT INTO instances (id, client_id, instance_type, region, az, current_mode, is_active, created_at) SELECT"
    " CONCAT('i', seq), 'client-1', 't', ELT(1 + MOD(seq, 3), 'a', 'b', 'c'), 'z', 'spot', MOD(seq, 2),"
    " NOW() - INTERVAL seq SECOND FROM seq_2_to_6000",
    "INSERT INTO switches (id, client_id, agent_id, event_trigger) SELECT CONCAT('s', seq), 'client-1', 'a1', 'model'"
    " FROM seq_1_to_6000",
    "INSERT INTO system_events (event_type, severity, created_at) SELECT 'x', ELT(1 + MOD(seq, 3), 'info', 'warning',"
    " 'error'), NOW() - INTERVAL seq SECOND FROM seq_1_to_6000",
)


@pytest.fixture(scope="module")
def crowded(mariadb: MariaDB) -> Spot:
    """A system with enough rows that it matters how they are found."""
    spot = spot_on(mariadb)
    for statement in MANY:
        spot.sql(statement)
    for table in GROWING:
        spot.sql(f"ANALYZE TABLE {table}")
    return spot


@pytest.mark.parametrize(
    "what",
    [
        "stats",
        "clients",
        "agents",
        "agents?status=online",
        "agents?status=none",
        "instances",
        "instances?status=active",
        "instances?status=terminated&mode=spot",
        "instances?region=b",
        "instances?mode=none",
        "activity",
    ],
)
def test_few_questions_that_indexes_answer(mariadb: MariaDB, crowded: Spot, what: str) -> None:
    with statements_on(mariadb) as asked:
        get(crowded, what)
    questions = [text for text in asked if any(name in text for name in GROWING)]
    assert len(questions) == (2 if what == "clients" else 1)
    steps = [step for question in questions for step in explain(crowded, question)]
    assert [step for step in steps if step["type"] == "ALL" and step["table"] in GROWING] == []


def test_counting_for_each_client_sorts_nothing(mariadb: MariaDB, crowded: Spot) -> None:
    with statements_on(mariadb) as asked:
        get(crowded, "clients")
    steps = [step for question in asked if "GROUP BY" in question for step in explain(crowded, question)]
    assert {step["table"]: step["key"] for step in steps} == {
        "agents": "idx_agents_client_status",
        "instances": "idx_instances_active_client",
    }
    assert [step for step in steps if "filesort" in step["Extra"] or "temporary" in step["Extra"]] == []


def explain(spot: Spot, statement: str) -> list[Any]:
    with spot.app.app_context():
        engine = spot.app.extensions["sqlalchemy"].engine
    with engine.connect() as connection:
        return list(connection.exec_driver_sql(f"EXPLAIN {statement}".replace("%", "%%")).mappings())
