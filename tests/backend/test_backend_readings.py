"""Who asked for a client's token: kept in the log at once, in the audit log a moment after the answer."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from pytest import MonkeyPatch

from tests.backend.conftest import TOKEN, Spot
from tests.support.figures import parsed, total
from tests.support.serving import serving
from tests.support.waiting import eventually

ASKED = "SELECT action, entity_id, actor_type FROM audit_logs ORDER BY id"
#: What an operator may take for an id.
TOKEN_LIKE = "token-a8Fq2LmX0cVb7NzR"
REFUSED = (500, {"error": "The database could not carry out the request"})


@pytest.fixture(params=["sqlite", "mariadb", "postgres"])
def spot(request: pytest.FixtureRequest) -> Spot:
    made: Spot = request.getfixturevalue("spot" if request.param == "sqlite" else f"spot_on_{request.param}")
    return made


def environment(spot: Spot) -> dict[str, str]:
    url = spot.app.extensions["settings"].database_url
    return {"SPOT_DATABASE_URL": url.render_as_string(hide_password=False), "SPOT_AUTO_MIGRATE": "false"}


def test_whoever_asks_for_a_token_is_kept_whatever_the_answer(spot: Spot) -> None:
    path = f"/api/admin/clients/{spot.client_id}/token"
    forgotten, similar = "hashed:" + 32 * "0", "hashed:in a way"
    spot.sql("UPDATE clients SET client_token = ?", forgotten)
    assert spot.http.get(path).status_code == 410
    assert spot.http.get("/api/admin/clients/nobody/token").status_code == 404
    for token in (TOKEN, similar):
        spot.sql("UPDATE clients SET client_token = ?", token)
        assert spot.http.get(path).json == {"client_name": spot.client_id, "token": token}
    rows = eventually(lambda: spot.sql(ASKED), until=lambda rows: len(rows) == 4)
    assert {(row["action"], row["actor_type"]) for row in rows} == {("client_token_requested", "open")}
    assert sorted(row["entity_id"] for row in rows) == [spot.client_id] * 3 + ["nobody"]


def test_that_a_token_was_asked_for_is_kept_when_the_audit_log_is_back(spot: Spot) -> None:
    path = f"/api/admin/clients/{spot.client_id}/token"
    spot.sql("ALTER TABLE audit_logs RENAME TO audit_logs_of_yesterday")
    assert [spot.http.get(path).status_code for _ in range(2)] == [200, 200]
    rows = spot.app.extensions["audit_behind"]
    assert rows.waiting == 2
    spot.sql("ALTER TABLE audit_logs_of_yesterday RENAME TO audit_logs")
    eventually(lambda: rows.waiting == 0)
    asked = {"action": "client_token_requested", "entity_id": spot.client_id, "actor_type": "open"}
    assert spot.sql(ASKED) == [asked, asked]


def test_no_token_is_shown_where_too_many_wait_to_be_kept(spot: Spot, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr("backend.core.rows_behind.MOST_WAITING", 0)
    path = f"/api/admin/clients/{spot.client_id}/token"
    assert spot.http.get(path).json == {"client_name": spot.client_id, "token": TOKEN}
    assert len(spot.sql(ASKED)) == 1, "kept by the request itself"
    figures = parsed(spot.http.get("/metrics").text)
    assert total(figures, "backend_rows_behind_no_room_total", table="audit_logs") >= 1
    spot.sql("DROP TABLE audit_logs")
    answer = spot.http.get(path)
    assert (answer.status_code, answer.json) == REFUSED


def test_a_stop_right_after_the_answer_loses_nothing(spot: Spot, tmp_path: Path) -> None:
    path = f"/api/admin/clients/{spot.client_id}/token"
    with serving("backend:create_app()", tmp_path, environment(spot), workers=2) as server:
        answers = [server.request("GET", path).status for _ in range(10)]
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(30)
        log = server.log.read_text()
    assert answers == [200] * 10
    told = [json.loads(line)["id"] for line in log.splitlines() if "client_token_requested" in line]
    assert len(told) == 10
    assert {row["id"] for row in spot.sql("SELECT id FROM audit_logs")} == set(told), "the lines are the rows'"
    assert "rows are lost" not in log


def test_a_killed_worker_has_told_the_log(spot: Spot, tmp_path: Path) -> None:
    path = f"/api/admin/clients/{spot.client_id}/token"
    with serving("backend:create_app()", tmp_path, environment(spot), workers=1) as server:
        assert server.request("GET", f"/api/admin/clients/{TOKEN_LIKE}/token").status == 404
        assert server.request("GET", path).status == 200
        os.kill(server.workers[0], signal.SIGKILL)
        log = server.log.read_text()
    _, told = [json.loads(line) for line in log.splitlines() if "client_token_requested" in line]
    assert told["message"] == "asked for by an operator"
    who = {"actor_type": "open", "actor_id": None, "ip_address": "127.0.0.1"}
    assert {name: told[name] for name in who} == who
    assert (told["entity_type"], told["entity_id"]) == ("client", spot.client_id)
    assert TOKEN not in log
    assert TOKEN_LIKE not in log
