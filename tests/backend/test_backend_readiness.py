"""Alive, and ready."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from backend import create_app
from backend.core.database_events import enabled_events
from backend.core.readiness import Readiness
from tests.backend.conftest import Database, Spot, settings_for
from tests.support.mariadb import MariaDB


def test_all_checks_must_pass() -> None:
    readiness = Readiness()
    readiness.add("one", lambda: None)
    readiness.add("other", lambda: 1 / 0)
    assert readiness.troubles() == {"one": None, "other": "ZeroDivisionError"}


def test_an_answer_is_good_for_a_moment() -> None:
    asked = []
    readiness = Readiness(remembered=60)
    readiness.add("counted", lambda: asked.append(1))
    assert [readiness.troubles() for _ in range(3)] == [{"counted": None}] * 3
    assert len(asked) == 1


def test_a_check_that_hangs_is_a_trouble_and_is_asked_once() -> None:
    release, asked = threading.Event(), []

    def hang() -> None:
        asked.append(1)
        release.wait(60)

    readiness = Readiness(timeout=0.05, remembered=0)
    readiness.add("hanging", hang)
    assert readiness.troubles() == {"hanging": "no answer within 0.05 s"}
    assert readiness.troubles() == {"hanging": "no answer within 0.05 s"}
    assert len(asked) == 1
    patient = Readiness(timeout=60, remembered=0)
    patient._checks = readiness._checks
    release.set()
    assert patient.troubles() == {"hanging": None}


def test_a_server_is_ready_while_its_database_answers(database: Database) -> None:
    app = create_app("spot", settings_for(database.url))
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"checks": {"database": "ok"}, "status": "ready"})


def test_a_server_without_its_database_is_alive_but_not_ready() -> None:
    lost = create_app("spot", settings_for("mysql://nobody@127.0.0.1:1/nothing", AUTO_MIGRATE="false")).test_client()
    answer = lost.get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (503, "not ready")
    assert set(answer.json["checks"]) == {"database"}
    assert lost.get("/healthz").json == {"status": "alive"}
    assert "backend_jobs_readable 0.0" in lost.get("/metrics").text


def test_readiness_does_not_wait_for_whoever_writes(bare: Spot) -> None:
    path = Path(bare.app.extensions["settings"].database_url.database)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        assert bare.http.get("/readyz").status_code == 200
    finally:
        writer.close()


class TestEventsOfTheDatabase:
    def test_enabled_ones_are_found(self, mariadb: MariaDB) -> None:
        url = mariadb.create_database()
        with mariadb.connect(url.rpartition("/")[2]) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE EVENT evt_daily_cleanup ON SCHEDULE EVERY 1 DAY DO SELECT 1")
            cursor.execute("CREATE EVENT evt_other ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1")
        app = create_app("spot", settings_for(url, AUTO_MIGRATE="false"))
        assert enabled_events(app) == {"evt_daily_cleanup"}

    @pytest.mark.parametrize(
        ("url", "events"), [("sqlite:///x.sqlite3", frozenset()), ("mysql://nobody@127.0.0.1:1/nothing", None)]
    )
    def test_elsewhere_there_are_none_or_nobody_knows(self, url: str, events: frozenset[str] | None) -> None:
        assert enabled_events(create_app("spot", settings_for(url, AUTO_MIGRATE="false"))) == events
