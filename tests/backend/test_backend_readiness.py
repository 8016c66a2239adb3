"""Alive, and ready."""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from backend import create_app
from backend.core.app import new_app
from backend.core.database_events import enabled_events
from backend.core.readiness import NotReadyError, Readiness
from backend.core.settings import Settings
from tests.backend.conftest import Database, Spot, settings_for
from tests.support.mariadb import MariaDB
from tests.support.waiting import eventually

LONG = 60.0


def states(readiness: Readiness, patience: float = LONG) -> dict[str, tuple[str, str | None]]:
    return {name: (check.state, check.error) for name, check in readiness.snapshot(patience).checks.items()}


def await_status(http: FlaskClient, status: int) -> dict[str, Any]:
    """The checks of the first answer of `/readyz` with this status."""

    def ask() -> tuple[int, dict[str, Any]]:
        answer = http.get("/readyz")
        return answer.status_code, answer.json["checks"]

    return eventually(ask, until=lambda answer: answer[0] == status)[1]


class TestChecks:
    def test_all_must_pass_and_a_failure_tells_nothing_but_its_type(self) -> None:
        readiness = Readiness()
        readiness.add("one", lambda: None)
        readiness.add("other", lambda: open("/secret/place"))  # noqa: PTH123, SIM115
        assert states(readiness) == {"one": ("ready", None), "other": ("failed", "FileNotFoundError")}
        assert not readiness.snapshot().is_ready

    def test_a_failure_meant_for_everybody_says_what_is_missing(self) -> None:
        readiness = Readiness()

        def miss() -> None:
            raise NotReadyError("The model is missing.")

        readiness.add("model", miss)
        assert states(readiness) == {"model": ("failed", "The model is missing.")}

    def test_an_answer_is_good_for_a_moment(self) -> None:
        asked: list[int] = []
        readiness = Readiness(remembered=LONG)
        readiness.add("counted", lambda: asked.append(1))
        assert [states(readiness) for _ in range(3)] == [{"counted": ("ready", None)}] * 3
        assert len(asked) == 1

    def test_nobody_waits_for_a_check_that_hangs_and_it_is_asked_once(self) -> None:
        release, asked = threading.Event(), []

        def hang() -> None:
            asked.append(1)
            release.wait(LONG)

        readiness = Readiness(timeout=LONG, remembered=0)
        readiness.add("hanging", hang)
        try:
            first = readiness.snapshot().checks["hanging"]
            second = readiness.snapshot().checks["hanging"]
            assert not release.is_set(), "the answers came while the check was hanging"
            assert (first.state, second.state, second.error) == ("starting", "starting", None)
            assert second.age > first.age
            assert len(asked) == 1
        finally:
            release.set()
        assert states(readiness) == {"hanging": ("ready", None)}

    def test_the_last_answer_stands_until_the_next_one_is_overdue(self) -> None:
        gate, release = threading.Event(), threading.Event()
        gate.set()

        def ask() -> None:
            if not gate.is_set():
                release.wait(LONG)

        readiness = Readiness(timeout=0.5, remembered=0)
        readiness.add("server", ask)
        assert states(readiness) == {"server": ("ready", None)}
        gate.clear()
        try:
            assert states(readiness, patience=0.0)["server"][0] == "ready"
            eventually(lambda: not readiness.snapshot().is_ready)
            assert states(readiness, patience=0.0) == {"server": ("failed", "No answer within 0.5 s.")}
        finally:
            release.set()
            gate.set()
        eventually(lambda: readiness.snapshot().is_ready)

    def test_a_child_process_finds_out_for_itself(self) -> None:
        readiness = Readiness(remembered=LONG)
        parent = os.getpid()

        def ask() -> None:
            if os.getpid() != parent:
                raise NotReadyError("In a child.")

        readiness.add("process", ask)
        assert states(readiness) == {"process": ("ready", None)}
        child = os.fork()
        if child == 0:
            os._exit(0 if states(readiness) == {"process": ("failed", "In a child.")} else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


class TestComponents:
    def test_they_report_about_themselves(self) -> None:
        readiness = Readiness()
        model = readiness.component("model")
        seen = [states(readiness)["model"]]
        for report in (model.ready, lambda: model.failed("The file is damaged."), model.starting):
            report()
            seen.append(states(readiness)["model"])
        damaged = ("failed", "The file is damaged.")
        assert seen == [("starting", None), ("ready", None), damaged, ("starting", None)]
        assert not readiness.snapshot().is_ready
        assert readiness.component("model") is model

    def test_one_that_is_not_required_is_shown_only(self) -> None:
        readiness = Readiness()
        readiness.component("model", required=False).failed("There is none.")
        assert readiness.snapshot().is_ready
        assert states(readiness) == {"model": ("failed", "There is none.")}


def test_a_probe_is_answered_while_a_check_hangs() -> None:
    app = new_app("toy", Settings.from_environment("toy", {"LOG_LEVEL": "ERROR"}))
    release = threading.Event()
    app.extensions["readiness"].add("hanging", lambda: release.wait(LONG))
    app.extensions["readiness"].component("model").ready()
    try:
        answer = app.test_client().get("/readyz")
        assert not release.is_set(), "the answer came while the check was hanging"
        assert (answer.status_code, answer.json["status"]) == (503, "not ready")
        assert answer.headers["Cache-Control"] == "no-store"
        hanging = answer.json["checks"]["hanging"]
        assert (hanging["state"], hanging["error"]) == ("starting", None)
        assert hanging["age"] >= 0
        assert answer.json["checks"]["model"]["state"] == "ready"
    finally:
        release.set()
    assert await_status(app.test_client(), 200)["hanging"]["state"] == "ready"


def test_a_check_is_tried_again_when_there_was_no_thread_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    readiness = Readiness()
    readiness.add("store", lambda: None)

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as without_threads:
        without_threads.setattr(threading.Thread, "start", refuse)
        assert states(readiness) == {"store": ("failed", "No thread is left to ask.")}
    assert states(readiness) == {"store": ("ready", None)}


def test_a_database_that_says_nothing_delays_no_probe() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mysql://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing"
        http = create_app("spot", settings_for(url, AUTO_MIGRATE="false")).test_client()
        silent.settimeout(LONG)
        answer = http.get("/readyz")
        with silent.accept()[0], silent.accept()[0]:
            assert {check["state"] for check in answer.json["checks"].values()} == {"starting"}
            eventually(lambda: state_of(http, "database")["state"] == "failed")
            assert http.get("/readyz").status_code == 503


def test_a_server_is_ready_while_its_database_answers(database: Database) -> None:
    app = create_app("spot", settings_for(database.url))
    checks = await_status(app.test_client(), 200)
    assert {name: (check["state"], check["error"]) for name, check in checks.items()} == {
        "database": ("ready", None),
        "migrations": ("ready", None),
    }


def test_a_server_without_its_database_is_alive_but_not_ready() -> None:
    lost = create_app("spot", settings_for("mysql://nobody@127.0.0.1:1/nothing", AUTO_MIGRATE="false")).test_client()
    eventually(lambda: lost.get("/readyz").json["checks"]["database"]["state"] == "failed")
    answer = lost.get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (503, "not ready")
    assert set(answer.json["checks"]) == {"database", "migrations"}
    assert "127.0.0.1" not in answer.text
    assert lost.get("/healthz").json == {"status": "alive"}
    assert 'backend_jobs_readable{domain="spot"} 0.0' in lost.get("/metrics").text


def test_a_database_file_that_is_moved_away_is_missed_and_not_made_anew(bare: Spot) -> None:
    path = Path(bare.app.extensions["settings"].database_url.database)
    await_status(bare.http, 200)
    away = path.rename(path.with_suffix(".away"))
    checks = await_status(bare.http, 503)
    assert checks["database"]["error"] == "The database's file does not exist."
    assert not path.exists()
    away.rename(path)
    await_status(bare.http, 200)


class TestMigrations:
    def test_a_database_that_was_never_migrated_is_not_ready(self, database: Database) -> None:
        app = create_app("spot", settings_for(database.url, AUTO_MIGRATE="false"))
        if database.product == "sqlite":
            database.sql("CREATE TABLE other (id INTEGER)")
        eventually(lambda: state_of(app.test_client(), "migrations")["state"] == "failed")
        assert state_of(app.test_client(), "migrations")["error"].startswith("The database has no revision; revision 0")
        assert state_of(app.test_client(), "database")["state"] == "ready"

    def test_a_missing_revision_is_seen_when_it_goes_and_when_it_comes(self, database: Database) -> None:
        app = create_app("spot", settings_for(database.url))
        await_status(app.test_client(), 200)
        (head,) = (row["version_num"] for row in database.sql("SELECT version_num FROM alembic_version"))
        database.sql("UPDATE alembic_version SET version_num = '0001'")
        checks = await_status(app.test_client(), 503)
        assert checks["migrations"]["error"] == (
            f"The database is at revision 0001; revision {head} is needed. Upgrade it."
        )
        database.sql("UPDATE alembic_version SET version_num = ?", head)
        await_status(app.test_client(), 200)

    def test_a_newer_version_may_have_brought_the_database_further(self, bare: Spot) -> None:
        bare.sql("UPDATE alembic_version SET version_num = 'of the future'")
        await_status(bare.http, 200)


def state_of(http: FlaskClient, name: str) -> dict[str, Any]:
    check: dict[str, Any] = http.get("/readyz").json["checks"][name]
    return check


def test_readiness_does_not_wait_for_whoever_writes(bare: Spot) -> None:
    path = Path(bare.app.extensions["settings"].database_url.database)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        await_status(bare.http, 200)
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
