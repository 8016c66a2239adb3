"""What clients see without a model: refusals, lists, and what may be loaded. Nothing here needs the runtime."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from backend import create_app
from backend.core.settings import Settings

RECORDED = Path(__file__).parents[1] / "recordings" / "assistant" / "new_01_health_llm.har"


def gguf(**values: int) -> bytes:
    """The beginning of a model file that says `values` of its model."""

    def text(word: str) -> bytes:
        return struct.pack("<Q", len(word)) + word.encode()

    entries = [text("general.architecture") + struct.pack("<I", 8) + text("llama")]
    entries += [text(f"llama.{name}") + struct.pack("<II", 4, value) for name, value in values.items()]
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(entries)) + b"".join(entries)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    directory = tmp_path / "data" / "models"
    directory.mkdir(parents=True)
    return directory


@pytest.fixture
def client(tmp_path: Path, models: Path) -> FlaskClient:
    environment = {"DATABASE_URL": f"sqlite:///{tmp_path / 'a.sqlite3'}", "DATA_DIR": str(tmp_path / "data")}
    return create_app("assistant", Settings.from_environment("assistant", environment)).test_client()


def load(client: FlaskClient, path: str, **order: Any) -> tuple[int, Any]:
    answer = client.post("/api/llm/models/load", json={"model_path": path, **order}, base_url="http://localhost")
    return answer.status_code, answer.json


def test_recorded_requests_without_a_model_are_answered_as_recorded(client: FlaskClient) -> None:
    entries = json.loads(RECORDED.read_text())["log"]["entries"]
    seen = 0
    for entry in entries:
        asked, recorded = entry["request"], entry["response"]
        path = asked["url"].partition(":8756")[2]
        if not path.startswith("/api/llm/") or path.endswith("/load"):
            continue
        seen += 1
        data = (asked.get("postData") or {}).get("text")
        answer = client.open(
            path, method=asked["method"], data=data, content_type="application/json", base_url="http://localhost"
        )
        assert answer.status_code == recorded["status"]
        assert answer.text == recorded["content"]["text"]
        assert answer.content_type == "application/json"
    assert seen == 10


def test_only_files_in_the_models_directory_can_be_loaded(client: FlaskClient, models: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.gguf"
    outside.write_bytes(gguf())
    (models / "link.gguf").symlink_to(outside)
    named = (str(outside), "../outside.gguf", "link.gguf", "/models/tiny.gguf", "", ".", "a\0b", "~/x.gguf/../../..")
    for path in named:
        status, body = load(client, path)
        assert status == 403, (path, body)
        assert "models directory" in body["detail"]
        assert str(tmp_path) not in body["detail"]


def test_what_is_no_model_is_refused(client: FlaskClient, models: Path) -> None:
    (models / "text.gguf").write_text("Once upon a time")
    (models / "old.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 1, 0, 0))
    (models / "cut.gguf").write_bytes(gguf(block_count=3)[:40])
    (models / "long.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 60))
    assert load(client, "missing.gguf") == (404, {"detail": "There is no such file in the models directory"})
    assert load(client, "text.gguf") == (400, {"detail": "The file is no GGUF model: text.gguf"})
    for name in ("old.gguf", "cut.gguf", "long.gguf"):
        status, body = load(client, name)
        assert (status, name in body["detail"]) == (400, True), body


def test_loading_without_the_runtime_names_the_extra(
    client: FlaskClient, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (models / "tiny.gguf").write_bytes(gguf())
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    status, body = load(client, "tiny.gguf")
    assert status == 503
    assert "pip install 'cutover[llm]'" in body["detail"]
    # That no model is loaded is said as ever.
    answer = client.post("/api/llm/chat", json={"message": "Hello"}, base_url="http://localhost")
    assert (answer.status_code, answer.json) == (503, {"detail": "No model loaded"})


def test_models_are_listed_in_the_declared_shape(client: FlaskClient, models: Path) -> None:
    (models / "tiny.gguf").write_bytes(gguf())
    (models / "tiny.txt").write_text("no model")
    (models / "directory.gguf").mkdir()
    [row] = client.get("/api/llm/models", base_url="http://localhost").json
    assert row == {
        "name": "tiny.gguf",
        "size": f"{len(gguf())}.0 B",
        "type": "gguf",
        "loaded": False,
        "context_length": 4096,
        "parameters": {
            "gpu_layers": -1,
            "temperature": 0.7,
            "top_p": 0.9,
            "top_k": 40,
            "max_tokens": 2048,
            "state": "idle",
        },
    }


@pytest.mark.parametrize(
    ("body", "place", "kind"),
    [
        ({}, ["body", "message"], "missing"),
        ({"message": 5}, ["body", "message"], "string_type"),
        ({"message": "a", "max_tokens": 1.5}, ["body", "max_tokens"], "int_from_float"),
        ({"message": "a", "temperature": "hot"}, ["body", "temperature"], "float_parsing"),
        ({"message": "a", "conversation_history": {}}, ["body", "conversation_history"], "list_type"),
        (
            {"message": "a", "conversation_history": [{"role": "user"}]},
            ["body", "conversation_history", 0, "content"],
            "missing",
        ),
    ],
)
@pytest.mark.parametrize("path", ["/api/llm/chat", "/api/llm/chat/stream"])
def test_what_is_wrong_with_a_message_is_told(
    client: FlaskClient, path: str, body: dict[str, Any], place: list[Any], kind: str
) -> None:
    answer = client.post(path, json=body, base_url="http://localhost")
    assert answer.status_code == 422
    [complaint] = answer.json["detail"]
    assert (complaint["loc"], complaint["type"]) == (place, kind)


def test_refusals_of_the_other_interface_have_its_shape(client: FlaskClient) -> None:
    said = [{"role": "user", "content": "Hello"}]
    for body, status, kind, parameter in (
        ({"messages": said}, 503, "server_error", None),
        ({"messages": []}, 400, "invalid_request_error", "messages"),
        ({"messages": [{"role": "user"}]}, 400, "invalid_request_error", "messages.0.content"),
        ({"messages": said, "n": 2}, 400, "invalid_request_error", "n"),
        ({"messages": said, "response_format": {"type": "json_object"}}, 400, "invalid_request_error", None),
    ):
        answer = client.post("/v1/chat/completions", json=body, base_url="http://localhost")
        assert answer.status_code == status, answer.text
        assert list(answer.json) == ["error"]
        assert answer.json["error"]["type"] == kind
        assert answer.json["error"]["param"] == parameter
        assert answer.json["error"]["message"]
    broken = client.post("/v1/chat/completions", data="{", content_type="application/json", base_url="http://localhost")
    assert broken.status_code == 400
    assert "no JSON" in broken.json["error"]["message"]
    assert client.get("/v1/models", base_url="http://localhost").json == {"object": "list", "data": []}


def test_asking_starts_and_makes_nothing(client: FlaskClient, tmp_path: Path) -> None:
    client.post("/api/llm/chat", json={"message": "Hello"}, base_url="http://localhost")
    client.get("/api/llm/models", base_url="http://localhost")
    assert client.get("/api/llm/status", base_url="http://localhost").json["state"] == "idle"
    assert not (tmp_path / "data" / "llm").exists()
