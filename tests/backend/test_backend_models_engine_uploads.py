"""Uploading decision engines: only where it is allowed, looked at first, and at work at once."""

from __future__ import annotations

import sys
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from tests.backend.conftest import Database, Spot
from tests.backend.engines import ENGINE, SITUATION, answer, engine_code, operator, start, start_on

NAME = "ml_based_engine.py"


@pytest.fixture
def spot(tmp_path: Path, sqlite_template: Path) -> Spot:
    return start(tmp_path, sqlite_template, ALLOW_ENGINE_UPLOAD="true")


def saying(reason: str, version: str = "7.0") -> bytes:
    return engine_code(answer(reason=reason), version=version)


def reason(spot: Spot) -> str:
    said: str = spot.post("decide", SITUATION).json["reason"]
    return said


def stored(directory: Path) -> set[str]:
    return {path.name for path in (directory / "engines").iterdir()} if (directory / "engines").exists() else set()


class TestNotAllowed:
    def test_code_is_not_taken_unless_that_is_set(self, tmp_path: Path, sqlite_template: Path) -> None:
        spot = start(tmp_path, sqlite_template, MAX_BODY_BYTES="2048")
        off = {"error": "Uploading decision engines is off: set ALLOW_ENGINE_UPLOAD=true to allow it"}
        for files in ((NAME, saying("x")), (NAME, b"x" * 4096)):
            refused = operator(spot).upload_engine(files)
            assert (refused.status_code, refused.json) == (403, off)
        assert spot.http.post(ENGINE).json == off
        assert stored(tmp_path) == set()

    def test_what_was_uploaded_is_not_run_when_it_is_forbidden_again(
        self, spot: Spot, tmp_path: Path, sqlite_template: Path
    ) -> None:
        operator(spot).upload_engine((NAME, saying("uploaded")))
        assert reason(spot) == "uploaded"
        assert reason(start(tmp_path, sqlite_template)) == "Pool pool-a saves 75.0%"


class TestRefused:
    @pytest.mark.parametrize(
        ("files", "error"),
        [
            ([("a.txt", b"x")], "File type not allowed: a.txt. Allowed types: .py, .pkl, .joblib"),
            ([("a.h5", b"x")], "File type not allowed: a.h5. Allowed types: .py, .pkl, .joblib"),
            ([("", b"x")], "No files selected"),
            ([("web_engine.py", b"# engine\n")], "Class MLBasedDecisionEngine is not defined in web_engine.py"),
            ([("e.py", b"def f():\n    class MLBasedDecisionEngine: pass")], "Class MLBasedDecisionEngine is not"),
            ([("e.py", b"x = 1\nclass :\n")], "Not valid Python: e.py: invalid syntax (line 2)"),
            ([("e.py", b"\x00")], "Not valid Python: e.py: source code string cannot contain null bytes"),
            ([("e.py", b"\xff\xfe")], "Not valid Python: e.py: "),
            ([("e.py", b"(" * 100000)], "Not valid Python: e.py: "),
            ([(NAME, saying("x")), ("helper.py", b"import (")], "Not valid Python: helper.py: "),
        ],
    )
    def test_what_is_no_engine_is_not_taken(self, spot: Spot, tmp_path: Path, files: Any, error: str) -> None:
        refused = operator(spot).upload_engine(*files)
        assert refused.status_code == 400
        assert refused.json["error"].startswith(error)
        assert stored(tmp_path) == set()
        assert reason(spot) == "Pool pool-a saves 75.0%"

    @pytest.mark.parametrize(
        ("code", "error"),
        [
            (b"class MLBasedDecisionEngine:\n    version = '9.9.9'\n", "MLBasedDecisionEngine() takes no arguments"),
            (b"import not_there\n" + saying("x"), "No module named 'not_there'"),
            (b"import sys\nsys.exit(1)\n" + saying("x"), "SystemExit: 1"),
            (saying("x").replace(b"instance, pricing", b"one"), "make_decision(one, config, recent_switches_count,"),
        ],
    )
    def test_one_that_does_not_load_leaves_the_one_at_work(
        self, spot: Spot, tmp_path: Path, code: bytes, error: str
    ) -> None:
        operator(spot).upload_engine((NAME, saying("first")))
        assert reason(spot) == "first"
        before, modules = stored(tmp_path), set(sys.modules)
        refused = operator(spot).upload_engine((NAME, code), ("weights.pkl", b"w"))
        assert refused.status_code == 500
        assert refused.json["error"].startswith(error)
        assert {key: refused.json[key] for key in ("files", "message", "success")} == {
            "files": [NAME, "weights.pkl"],
            "message": "Files uploaded but failed to reload decision engine",
            "success": False,
        }
        assert stored(tmp_path) == before
        assert {name for name in set(sys.modules) - modules if name.startswith("uploaded_engine")} == set()
        assert reason(spot) == "first"
        assert [file["name"] for file in operator(spot).system_health()["decisionEngineStatus"]["files"]] == [NAME]


class TestTaken:
    def test_it_decides_at_once(self, spot: Spot) -> None:
        answered = operator(spot).upload_engine((NAME, saying("uploaded", "8.1")))
        assert (answered.status_code, answered.json) == (
            200,
            {
                "engine_status": {"loaded": True, "type": "MLBasedDecisionEngine", "version": "8.1"},
                "files": [NAME],
                "message": "Decision engine files uploaded successfully. Backend will restart in 3 seconds.",
                "restarting": True,
                "success": True,
            },
        )
        assert reason(spot) == "uploaded"
        shown = operator(spot).system_health()["decisionEngineStatus"]
        assert (shown["version"], shown["filesUploaded"], shown["files"][0]["name"]) == ("8.1", 1, NAME)
        query = "SELECT event_type, message FROM system_events WHERE event_type LIKE 'decision_engine%' ORDER BY id"
        assert [tuple(row.values()) for row in spot.sql(query)] == [
            ("decision_engine_updated", f"Decision engine files uploaded and reloaded: {NAME}"),
            ("decision_engine_loaded", "Decision engine MLBasedDecisionEngine loaded successfully"),
        ]
        assert [row["action"] for row in spot.sql("SELECT action FROM audit_logs")] == ["decision_engine_uploaded"]

    def test_no_code_of_the_one_before_is_left(self, spot: Spot) -> None:
        for text in ("first", "second", "first"):
            operator(spot).upload_engine((NAME, saying(text)))
            assert reason(spot) == text

    def test_its_files_find_each_other(self, spot: Spot) -> None:
        helper = b"REASON = 'from the helper'\n"
        code = b"from . import helper\n" + saying("x").replace(b"'x'", b"helper.REASON")
        operator(spot).upload_engine((NAME, code), ("helper.py", helper))
        assert reason(spot) == "from the helper"

    def test_what_an_upload_does_not_bring_stays(self, spot: Spot) -> None:
        code = b"from . import helper\n" + saying("x").replace(b"'x'", b"helper.REASON")
        operator(spot).upload_engine((NAME, code), ("helper.py", b"REASON = 'first'\n"))
        answered = operator(spot).upload_engine(("helper.py", b"REASON = 'second'\n"))
        assert answered.json["files"] == ["helper.py"]
        assert reason(spot) == "second"
        shown = operator(spot).system_health()["decisionEngineStatus"]
        assert {file["name"] for file in shown["files"]} == {NAME, "helper.py"}

    def test_data_alone_leaves_the_engine_as_it_is(self, spot: Spot) -> None:
        answered = operator(spot).upload_engine(("helper.joblib", b"w"))
        assert answered.json["engine_status"] == {"loaded": True, "type": "MLBasedDecisionEngine", "version": "2.0.0"}
        reason_ = "its format can carry code, and ALLOW_PICKLE_MODELS is not set"
        assert answered.json["warnings"] == [f"helper.joblib was not loaded: {reason_}"]
        assert reason(spot) == "Pool pool-a saves 75.0%"

    def test_an_alias_is_a_class_too(self, spot: Spot) -> None:
        code = (
            saying("alias").replace(b"class MLBasedDecisionEngine", b"class Mine") + b"\nMLBasedDecisionEngine = Mine"
        )
        assert operator(spot).upload_engine((NAME, code)).status_code == 200
        assert reason(spot) == "alias"

    def test_the_class_is_the_configured_one(self, tmp_path: Path, sqlite_template: Path) -> None:
        settings = {"ALLOW_ENGINE_UPLOAD": "true", "DECISION_ENGINE_CLASS": "Mine"}
        spot = start(tmp_path, sqlite_template, **settings)
        assert spot.http.get("/health").json["decision_engine_loaded"] is False
        code = engine_code(answer(reason="mine"), name="Mine")
        assert operator(spot).upload_engine((NAME, code)).json["engine_status"]["type"] == "Mine"
        assert reason(spot) == "mine"

    def test_only_the_newest_are_kept(self, spot: Spot, tmp_path: Path) -> None:
        for number in range(7):
            operator(spot).upload_engine((NAME, saying(str(number))))
        kept = spot.sql("SELECT directory FROM decision_engine_uploads ORDER BY id")
        assert len(kept) == 5
        assert stored(tmp_path) == {row["directory"] for row in kept}
        assert reason(spot) == "6"

    def test_a_damaged_one_is_not_run(self, spot: Spot, tmp_path: Path, sqlite_template: Path) -> None:
        operator(spot).upload_engine((NAME, saying("good")))
        (directory,) = stored(tmp_path)
        (file,) = (path for path in (tmp_path / "engines" / directory).iterdir() if path.is_file())
        file.chmod(0o644)
        file.write_bytes(saying("evil"))
        again = start(tmp_path, sqlite_template, ALLOW_ENGINE_UPLOAD="true")
        assert reason(again) == "Decision engine unavailable - staying in current mode for safety"
        assert again.http.get("/health").json["decision_engine_loaded"] is False


def test_of_uploads_at_the_same_time_none_is_lost(database: Database, tmp_path: Path) -> None:
    """Each brings a file of its own: who comes second is told so, or builds upon the first."""
    spot = start_on(database, tmp_path, ALLOW_ENGINE_UPLOAD="true")
    operator(spot).upload_engine((NAME, saying("base")))
    barrier = Barrier(3)
    statuses: dict[str, int] = {}

    def upload(name: str) -> None:
        http = operator(spot)
        barrier.wait(30)
        statuses[name] = http.upload_engine((name, b"")).status_code

    names = [f"helper_{number}.py" for number in range(3)]
    threads = [Thread(target=upload, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert set(statuses.values()) <= {200, 409}
    shown = operator(spot).system_health()["decisionEngineStatus"]["files"]
    assert {file["name"] for file in shown} == {NAME, *(name for name in names if statuses[name] == 200)}
    directories = {row["directory"] for row in spot.sql("SELECT directory FROM decision_engine_uploads")}
    assert stored(tmp_path) == directories
