"""Models and engines in several threads and processes at once: one session is live, and everybody follows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from threading import Barrier, Thread
from typing import Any
from urllib.request import Request, urlopen

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from tests.backend.conftest import TOKEN, Database
from tests.backend.engines import (
    ENGINE,
    MODELS,
    SITUATION,
    answer,
    engine_code,
    environment,
    onnx_risk,
    operator,
    start,
    start_on,
)
from tests.support.serving import Server, serving
from tests.support.waiting import eventually

FOLLOW_SECONDS = 20.0


class TestThreads:
    def test_of_activations_at_the_same_time_one_is_live(self, database: Database, tmp_path: Path) -> None:
        spot = start_on(database, tmp_path)
        sessions = [operator(spot).put_live((f"{number}.onnx", onnx_risk(0.05 * number))) for number in range(4)]
        self.at_once([lambda one=one: operator(spot).activate(one).status_code for one in sessions], {200})
        states = operator(spot).states()
        live = [one for one, (_, is_live, _) in states.items() if is_live]
        assert len(live) == 1
        assert all(state == ("active", False, True) for one, state in states.items() if one not in live)
        risk = pytest.approx(0.05 * sessions.index(live[0]))
        eventually(
            lambda: spot.post("decide", SITUATION).json["risk_score"], FOLLOW_SECONDS, until=lambda seen: seen == risk
        )
        active = spot.sql("SELECT upload_session_id FROM model_registry WHERE is_active = 1")
        assert active == [{"upload_session_id": live[0]}]

    def test_whatever_happens_at_the_same_time_one_is_live_at_most(self, database: Database, tmp_path: Path) -> None:
        spot = start_on(database, tmp_path)
        first, second = (operator(spot).put_live(("risk.onnx", onnx_risk(risk))) for risk in (0.1, 0.2))
        work: list[Callable[[], Any]] = [
            lambda: operator(spot).activate(first).status_code,
            lambda: operator(spot).activate(second).status_code,
            lambda: operator(spot).fall_back().status_code,
            lambda: operator(spot).upload(("risk.onnx", onnx_risk(0.3))).status_code,
        ]
        self.at_once(work, {200, 404, 409})
        rows = spot.sql("SELECT id, is_live, is_fallback, status FROM model_upload_sessions")
        assert sum(row["is_live"] for row in rows) <= 1
        assert not any(row["is_live"] and row["is_fallback"] for row in rows)
        kept = {path.name for path in (tmp_path / "models").iterdir()} - {"none"}
        assert kept == {row["id"] for row in rows}

    @staticmethod
    def at_once(work: list[Callable[[], Any]], expected: set[int]) -> None:
        barrier = Barrier(len(work))
        statuses: list[int] = []

        def run(one: Callable[[], Any]) -> None:
            barrier.wait(30)
            statuses.append(one())

        threads = [Thread(target=run, args=(one,)) for one in work]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(statuses) == len(work)
        assert set(statuses) <= expected


class TestProcesses:
    @pytest.fixture
    def workers(self, tmp_path: Path, sqlite_template: Path) -> Iterator[list[Server]]:
        """Two servers of one process each, on one database and one directory."""
        start(tmp_path, sqlite_template)
        variables = environment(tmp_path, ALLOW_ENGINE_UPLOAD="true", AUTO_MIGRATE="false")
        variables["SPOT_DATABASE_URL"] = f"sqlite:///{tmp_path}/spot.sqlite3"
        with ExitStack() as stack:
            yield [
                stack.enter_context(serving("backend:create_app()", tmp_path, variables, workers=1)) for _ in range(2)
            ]

    @staticmethod
    def decision(server: Server) -> dict[str, Any]:
        (agent,) = server.request("GET", "/api/admin/agents").json["agents"]
        found = server.request("POST", f"/api/agents/{agent['id']}/decide", SITUATION, Authorization=TOKEN)
        assert found.status == 200
        decision: dict[str, Any] = found.json
        return decision

    @staticmethod
    def upload(server: Server, path: str, name: str, content: bytes) -> Any:
        boundary, body = encode_multipart({"files": FileStorage(BytesIO(content), name)})
        asked = Request(f"{server.url}{path}", body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})
        with urlopen(asked, timeout=30) as answered:
            return json.load(answered)

    def assert_follows(self, server: Server, is_there: Callable[[dict[str, Any]], bool]) -> None:
        eventually(lambda: self.decision(server), FOLLOW_SECONDS, until=is_there)

    def test_all_follow_without_a_restart(self, workers: list[Server]) -> None:
        one, other = workers
        pids = [server.workers for server in workers]
        assert [self.decision(server)["risk_score"] for server in workers] == [0.0, 0.0]
        for risk in (0.25, 0.125):
            session_id = self.upload(one, f"{MODELS}/upload", "risk.onnx", onnx_risk(risk))["sessionId"]
            assert one.request("POST", f"{MODELS}/activate", {"sessionId": session_id}).status == 200
            assert self.decision(one)["risk_score"] == risk
            self.assert_follows(other, lambda decision, risk=risk: decision["risk_score"] == risk)
        assert other.request("POST", f"{MODELS}/fallback").status == 200
        self.assert_follows(one, lambda decision: decision["risk_score"] == 0.25)
        assert [server.workers for server in workers] == pids

    def test_all_follow_to_an_uploaded_engine(self, workers: list[Server]) -> None:
        one, other = workers
        for text in ("first", "second"):
            self.upload(one, ENGINE, "engine.py", engine_code(answer(reason=text)))
            assert self.decision(one)["reason"] == text
            self.assert_follows(other, lambda decision, text=text: decision["reason"] == text)

    def test_one_that_cannot_follow_goes_on_with_what_it_has(self, workers: list[Server], tmp_path: Path) -> None:
        one, other = workers
        self.upload(one, ENGINE, "engine.py", engine_code(answer(reason="good")))
        self.assert_follows(other, lambda decision: decision["reason"] == "good")
        picky = b"import os\nassert os.getppid() == %d\n" % one.process.pid
        self.upload(one, ENGINE, "engine.py", picky + engine_code(answer(reason="better")))
        assert self.decision(one)["reason"] == "better"
        refused = "the decision engine cannot be loaded"
        self.assert_follows(other, lambda _: refused in other.log.read_text())
        assert self.decision(other)["reason"] == "good"
        assert other.request("GET", "/health").json["decision_engine_loaded"] is True
