"""What a request leaves behind when it fails, is undone by the server, or finds no connection."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from backend import create_app
from backend.core.database import DEADLOCK_ATTEMPTS, run_and_commit
from backend.core.database_errors import DEADLOCK, StatementRefusedError
from backend.core.errors import RequestRefusedError
from backend.spot.models import db
from tests.backend.conftest import Spot, settings_for


def rename(name: str) -> None:
    db.session().execute(text("UPDATE clients SET plan = plan || :name"), {"name": name})


class Work:
    """Writes once a call and fails as often as told."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.calls, self.failures, self.error = 0, failures, error

    def __call__(self) -> int:
        self.calls += 1
        rename(f"-{self.calls}")
        if self.calls <= self.failures:
            raise self.error
        return self.calls


def plan(spot: Spot) -> str:
    return spot.one("SELECT plan FROM clients")["plan"]


def test_a_failure_leaves_nothing_behind(bare: Spot) -> None:
    with bare.app.app_context(), pytest.raises(ZeroDivisionError):
        run_and_commit(db.session(), Work(1, ZeroDivisionError()))
    assert plan(bare) == "free"


def test_what_a_refusal_wrote_is_kept(bare: Spot) -> None:
    with bare.app.app_context(), pytest.raises(RequestRefusedError):
        run_and_commit(db.session(), Work(1, RequestRefusedError(400, "no")))
    assert plan(bare) == "free-1"


def test_the_loser_of_a_deadlock_is_done_again_from_the_start(bare: Spot) -> None:
    work = Work(2, StatementRefusedError(DEADLOCK, "Deadlock found"))
    with bare.app.app_context():
        assert run_and_commit(db.session(), work) == 3
    assert plan(bare) == "free-3"


def test_losing_every_time_is_told(bare: Spot) -> None:
    work = Work(100, StatementRefusedError(DEADLOCK, "Deadlock found"))
    with bare.app.app_context(), pytest.raises(StatementRefusedError, match=r"1213 \(40001\): Deadlock found"):
        run_and_commit(db.session(), work)
    assert work.calls == DEADLOCK_ATTEMPTS


def test_waiting_for_a_connection_has_an_end(tmp_path: Path) -> None:
    limits = {"DATABASE_POOL_SIZE": "1", "DATABASE_POOL_TIMEOUT": "0.1"}
    app = create_app("spot", settings_for(f"sqlite:///{tmp_path}/a.sqlite3", **limits))
    with app.app_context(), db.engine.connect():
        health = app.test_client().get("/health")
        token = app.test_client().get("/api/agents/x/config", headers={"Authorization": "t"})
    error = "Failed getting connection; pool exhausted"
    assert (health.status_code, health.json) == (500, {"error": error, "status": "unhealthy"})
    assert (token.status_code, token.content_type) == (500, "text/html; charset=utf-8")
    assert app.test_client().get("/health").status_code == 200


def test_waiting_for_the_write_lock_has_an_end(spot: Spot, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/spot.sqlite3"
    impatient = create_app("spot", settings_for(url, AUTO_MIGRATE="false", DATABASE_BUSY_TIMEOUT="0.1"))
    with spot.app.app_context(), db.engine.begin():
        reading = impatient.test_client().get(f"/api/agents/{spot.agent_id}/config", headers=spot.headers)
        writing = impatient.test_client().post(f"/api/agents/{spot.agent_id}/heartbeat", json={}, headers=spot.headers)
    assert (reading.status_code, writing.status_code) == (200, 500)
