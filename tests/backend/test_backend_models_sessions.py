"""Uploading, activating and rolling back models: answers, states, and what stays on the disk."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.backend.conftest import Database, Spot
from tests.backend.engines import MODELS, onnx_risk, operator, start, start_on

UUID = r"[0-9a-f-]{36}"
MODEL = ("risk.onnx", onnx_risk(0.1))


@pytest.fixture
def spot(tmp_path: Path, sqlite_template: Path) -> Spot:
    return start(tmp_path, sqlite_template)


def on_disk(directory: Path) -> set[str]:
    """The paths of all files, links and directories below `directory`."""
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*")}


def events(spot: Spot) -> list[tuple[str, str, str]]:
    query = "SELECT event_type, severity, message FROM system_events WHERE agent_id IS NULL ORDER BY id"
    return [tuple(row.values()) for row in spot.sql(query)]


class TestUploading:
    def test_a_session_waits_for_activation(self, spot: Spot) -> None:
        answer = operator(spot).upload(("../../evil name.PKL", b"path"), MODEL)
        session_id = answer.json["sessionId"]
        size = 4 + len(MODEL[1])
        assert (answer.status_code, answer.json) == (
            200,
            {
                "files": ["evil_name.PKL", "risk.onnx"],
                "message": "Uploaded 2 model files. Use the RESTART button to activate.",
                "model_status": {"filesUploaded": 2, "sessionType": "pending_activation", "totalSize": size},
                "requiresRestart": True,
                "sessionId": session_id,
                "success": True,
            },
        )
        (session,) = operator(spot).sessions()
        assert session == {
            "activatedAt": None,
            "createdAt": session["createdAt"],
            "fileCount": 2,
            "files": ["evil_name.PKL", "risk.onnx"],
            "id": session_id,
            "isFallback": False,
            "isLive": False,
            "status": "uploaded",
            "totalSize": size,
        }
        assert events(spot) == []

    def test_files_are_kept_under_their_hash(self, spot: Spot, tmp_path: Path) -> None:
        session_id = operator(spot).upload(MODEL, ("a.pkl", b"a")).json["sessionId"]
        directory = tmp_path / "models" / session_id
        assert on_disk(directory) == {
            *(hashlib.sha256(content).hexdigest() for content in (MODEL[1], b"a")),
            *("files", "files/risk.onnx", "files/a.pkl"),
            *("files-without-pickles", "files-without-pickles/risk.onnx"),
        }
        assert (directory / "files" / "risk.onnx").read_bytes() == MODEL[1]

    @pytest.mark.parametrize(
        ("name", "stored"),
        [
            ("../../../etc/cron.d/a.onnx", "etc_cron.d_a.onnx"),
            ("..\\..\\a.onnx", "a.onnx"),
            ("/absolute/a.onnx", "absolute_a.onnx"),
            ("a\x00b.onnx", "ab.onnx"),
            ("...onnx", None),
            ("..", None),
            ("模型.onnx", None),
        ],
    )
    def test_names_do_not_lead_out_of_the_directory(
        self, spot: Spot, tmp_path: Path, name: str, stored: str | None
    ) -> None:
        before = on_disk(tmp_path)
        answer = operator(spot).upload((name, b"x"))
        made = {path for path in on_disk(tmp_path) - before if not path.startswith("spot.sqlite3")}
        if stored is None:
            assert (answer.status_code, made - {"models"}) == (400, set())
        else:
            assert answer.json["files"] == [stored]
            assert all(path == "models" or path.startswith(f"models/{answer.json['sessionId']}") for path in made)

    def test_of_files_with_one_name_the_last_counts(self, spot: Spot, tmp_path: Path) -> None:
        answer = operator(spot).upload(("a.pkl", b"first"), ("a.pkl", b"second")).json
        assert answer["model_status"] == {"filesUploaded": 1, "sessionType": "pending_activation", "totalSize": 6}
        assert (tmp_path / "models" / answer["sessionId"] / "files" / "a.pkl").read_bytes() == b"second"

    @pytest.mark.parametrize(
        ("files", "error"),
        [
            ([("model.exe", b"MZ")], "File type not allowed: model.exe. Allowed types: .pkl, .joblib, .h5, .pb, .pth,"),
            ([("noext", b"x")], "File type not allowed: noext. "),
            ([("ok.h5", b"h5"), ("bad.txt", b"no")], "File type not allowed: bad.txt. "),
            ([("a.onnx", b"x"), ("big.onnx", b"x" * 1025)], "File too large: big.onnx. At most 1024 bytes are taken"),
            ([(f"{'n' * 200}.onnx", b"x")], "File name too long: nnnn"),
            ([(f"{number}.onnx", b"x") for number in range(51)], "Too many files: 51. At most 50"),
            ([("", b"x")], "No files selected"),
        ],
        ids=["extension", "none", "the second", "size", "name", "number", "nothing"],
    )
    def test_nothing_of_a_refused_upload_stays(
        self, tmp_path: Path, sqlite_template: Path, files: Any, error: str
    ) -> None:
        spot = start(tmp_path, sqlite_template, MAX_UPLOAD_FILE_BYTES="1024")
        operator(spot).put_live(MODEL)
        operator(spot).upload(("pending.pkl", b"x"))
        states, disk = operator(spot).states(), on_disk(tmp_path / "models")
        refused = operator(spot).upload(*files)
        assert refused.status_code == 400
        assert refused.json["error"].startswith(error)
        assert operator(spot).states() == states
        assert on_disk(tmp_path / "models") == disk

    @pytest.mark.parametrize("field", ["file", "Files"])
    def test_the_field_is_called_files(self, spot: Spot, field: str) -> None:
        refused = operator(spot).send(f"{MODELS}/upload", [MODEL], field)
        assert (refused.status_code, refused.json) == (400, {"error": "No files provided"})

    @pytest.mark.parametrize("request_", [{}, {"json": {}}, {"data": b"x", "content_type": "multipart/form-data"}])
    def test_what_is_no_form_has_no_files(self, spot: Spot, request_: dict[str, Any]) -> None:
        refused = spot.http.post(f"{MODELS}/upload", **request_)
        assert (refused.status_code, refused.json) == (400, {"error": "No files provided"})

    def test_a_request_that_is_too_large_is_not_taken(self, tmp_path: Path, sqlite_template: Path) -> None:
        spot = start(tmp_path, sqlite_template, MAX_BODY_BYTES="2048")
        refused = operator(spot).upload(("a.onnx", b"x" * 4096))
        error = "413 Request Entity Too Large: The data value transmitted exceeds the capacity limit."
        assert (refused.status_code, refused.json) == (500, {"error": error})
        assert not (tmp_path / "models").exists()

    def test_what_the_database_refuses_leaves_no_files(self, spot: Spot, tmp_path: Path) -> None:
        spot.sql("CREATE TRIGGER no BEFORE INSERT ON model_upload_sessions BEGIN SELECT RAISE(ABORT, 'no'); END")
        assert operator(spot).upload(MODEL).status_code == 500
        assert on_disk(tmp_path / "models") == set()

    def test_what_an_interrupted_upload_left_is_removed_later(self, spot: Spot, tmp_path: Path) -> None:
        old, young = tmp_path / "models" / ".incoming-old", tmp_path / "models" / ".incoming-young"
        for directory in (old, young):
            directory.mkdir(parents=True)
        os.utime(old, (time.time() - 3700,) * 2)
        operator(spot).upload(MODEL)
        assert (old.exists(), young.exists()) == (False, True)


class TestActivating:
    def test_a_session_becomes_live(self, spot: Spot) -> None:
        session_id = operator(spot).upload(MODEL).json["sessionId"]
        answer = operator(spot).activate(session_id)
        assert (answer.status_code, answer.json) == (
            200,
            {
                "message": "Models activated successfully. Backend will restart in 3 seconds.",
                "model_status": {"loaded": True, "type": "MLBasedDecisionEngine"},
                "restarting": True,
                "sessionId": session_id,
                "success": True,
            },
        )
        (session,) = operator(spot).sessions()
        assert (session["isLive"], session["status"], session["activatedAt"] is not None) == (True, "active", True)
        assert events(spot) == [
            ("ml_models_activated", "info", f"New model session activated: {session_id}"),
            ("decision_engine_loaded", "info", "Decision engine MLBasedDecisionEngine loaded successfully"),
        ]

    def test_it_is_audited(self, spot: Spot) -> None:
        session_id = operator(spot).put_live(MODEL)
        operator(spot).activate("unknown")
        assert [(row["action"], row["entity_id"]) for row in spot.sql("SELECT * FROM audit_logs ORDER BY rowid")] == [
            ("models_uploaded", session_id),
            ("models_activated", session_id),
        ]

    @pytest.mark.parametrize("session_id", [None, "", 0, False])
    def test_a_session_must_be_named(self, spot: Spot, session_id: Any) -> None:
        refused = operator(spot).activate(session_id)
        assert (refused.status_code, refused.json) == (400, {"error": "No session ID provided"})

    def test_there_must_be_such_a_session(self, spot: Spot) -> None:
        refused = operator(spot).activate("00000000-0000-4000-8000-000000000000")
        assert (refused.status_code, refused.json) == (404, {"error": "Model session not found"})
        assert events(spot) == []

    @pytest.mark.parametrize(
        ("request_", "error"),
        [
            ({}, "415 Unsupported Media Type: Did not attempt to load JSON data because the request Content-Type"),
            ({"data": b"{", "content_type": "application/json"}, "400 Bad Request: The browser (or proxy) sent"),
            ({"json": [1]}, "'list' object has no attribute 'get'"),
            ({"json": {"sessionId": {"a": 1}}}, "Python type dict cannot be converted"),
        ],
    )
    def test_what_cannot_be_read_fails(self, spot: Spot, request_: dict[str, Any], error: str) -> None:
        failed = spot.http.post(f"{MODELS}/activate", **request_)
        assert failed.status_code == 500
        assert failed.json["error"].startswith(error)


class TestStates:
    def test_the_way_of_a_session(self, spot: Spot) -> None:
        first = operator(spot).put_live(("m4.pt", b"four"))
        second = operator(spot).upload(("m5.pb", b"five")).json["sessionId"]
        assert operator(spot).states() == {first: ("active", False, True), second: ("uploaded", False, False)}
        operator(spot).activate(second)
        assert operator(spot).states() == {first: ("active", False, True), second: ("active", True, False)}
        answer = operator(spot).fall_back()
        assert (answer.status_code, answer.json["fallbackSessionId"]) == (200, first)
        assert answer.json["message"] == "Rolled back to previous model version. Backend will restart in 3 seconds."
        assert operator(spot).states() == {first: ("active", True, False), second: ("archived", False, False)}
        none = operator(spot).fall_back()
        assert (none.status_code, none.json) == (404, {"error": "No fallback version available"})
        third = operator(spot).upload(MODEL).json["sessionId"]
        assert operator(spot).states() == {first: ("active", False, True), third: ("uploaded", False, False)}

    def test_there_is_nothing_to_go_back_to_at_first(self, spot: Spot) -> None:
        none = spot.http.post(f"{MODELS}/fallback", json={})
        assert (none.status_code, none.json) == (404, {"error": "No fallback version available"})

    def test_going_back_goes_to_what_was_live_last(self, spot: Spot) -> None:
        sessions = [operator(spot).put_live((f"m{number}.pt", b"x")) for number in range(3)]
        assert operator(spot).fall_back().json["fallbackSessionId"] == sessions[1]
        assert operator(spot).fall_back().json["fallbackSessionId"] == sessions[0]

    def test_an_upload_replaces_one_that_nobody_activated(self, spot: Spot, tmp_path: Path) -> None:
        first = operator(spot).upload(("same.pkl", b"first")).json["sessionId"]
        second = operator(spot).upload(("same.pkl", b"second")).json["sessionId"]
        assert operator(spot).states() == {second: ("uploaded", False, False)}
        assert not (tmp_path / "models" / first).exists()
        assert (tmp_path / "models" / second / "files" / "same.pkl").read_bytes() == b"second"

    def test_the_newest_come_first_and_only_ten_of_them(self, spot: Spot, tmp_path: Path) -> None:
        sessions = [operator(spot).put_live((f"m{number}.pt", b"x")) for number in range(13)]
        assert [session["id"] for session in operator(spot).sessions()] == sessions[:2:-1]
        kept = {path.name for path in (tmp_path / "models").iterdir()}
        assert kept == set(sessions[2:]), "the oldest are forgotten, with their files"

    def test_an_old_fallback_can_be_activated_directly(self, spot: Spot) -> None:
        first, second = (operator(spot).put_live((f"m{number}.pt", b"x")) for number in range(2))
        operator(spot).activate(first)
        assert operator(spot).states() == {first: ("active", True, False), second: ("active", False, True)}

    def test_operators_see_the_files_of_all_sessions(self, spot: Spot) -> None:
        operator(spot).put_live(("m4.pt", b"four"))
        operator(spot).upload(("m4.pt", b"fourty"), ("m5.pb", b"five"))
        shown = operator(spot).system_health()["modelStatus"]
        assert shown["filesUploaded"] == 2
        assert {(file["name"], file["size"]) for file in shown["files"]} == {("m4.pt", 6), ("m5.pb", 4)}


def test_every_database_does_it_alike(database: Database, tmp_path: Path) -> None:
    spot = start_on(database, tmp_path)
    first = operator(spot).put_live(MODEL)
    second = operator(spot).put_live(("risk.onnx", onnx_risk(0.2)))
    assert operator(spot).states() == {first: ("active", False, True), second: ("active", True, False)}
    assert operator(spot).fall_back().json["fallbackSessionId"] == first
    assert operator(spot).activate("unknown").status_code == 404
    third = operator(spot).upload(("risk.onnx", b"junk")).json["sessionId"]
    assert operator(spot).activate(third).status_code == 500
    assert operator(spot).states() == {first: ("active", False, True), third: ("uploaded", False, False)}
    names = [row["model_name"] for row in spot.sql("SELECT model_name FROM model_registry WHERE is_active = 1")]
    assert names == ["risk"]
