"""What the predecessor answered to inputs that no recording has: equal here too, or explained by a rule.

The answers are those of the old side's contract: its routes took any action, knew no real page's origin, failed at
numbers that JSON has no words for, and had no routes for the shell and the packs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.cli import replay

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
NOT_FOUND = {"detail": "Not Found"}
TOOLS = {
    "finance": ("Finance", "placeholder - finance module integration pending"),
    "time-tracking": ("Time tracking", "placeholder - time tracking module integration pending"),
    "music": ("Music", "placeholder - music player integration pending"),
    "password": ("Password", "placeholder - password manager integration pending"),
}
#: What each tool was told, and claimed to have done: actions unknown, incomplete, impossible or about nothing.
CLAIMED: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "finance": [
        ("", {}),
        ("fly", {"x": 1}),
        ("add_budget", {}),
        ("delete_goal", {"id": 999}),
        ("delete_invoice", {"id": "abc"}),
        ("balance", {"from": "2025-02-01", "to": "2025-01-01"}),
    ],
    "time-tracking": [
        ("", {}),
        ('say "hello"', {}),
        ("start", {}),
        ("start", {"project_id": 99}),
        ("pause", {}),
        ("delete_entry", {"id": 999}),
        ("activities", {"limit": 0}),
    ],
    "music": [("", {}), ("fly", {}), ("resume", {}), ("play", {"track_id": 9}), ("search", {"query": 5})],
    "password": [
        ("", {}),
        ("GENERATE", {}),
        ("setup", {"password": "p"}),
        ("delete", {"service": "s"}),
        ("store", {"password": "s3cret!"}),
    ],
}


class Recording:
    """Exchanges as a recorder would have kept them."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def add(self, method: str, path: str, status: int, answer: Any, body: str | None = None, **more: Any) -> None:
        """One exchange; `sent` and `got` are headers besides the usual ones, an answer that is no text is JSON."""
        text = answer if isinstance(answer, str) else json.dumps(answer, separators=(",", ":"))
        kind = TEXT if isinstance(answer, str) else JSON
        sent = {"Host": "127.0.0.1:8756", "Content-Type": JSON} | more.get("sent", {})
        request: dict[str, Any] = {"method": method, "url": f"http://127.0.0.1:8756{path}", "headers": _listed(sent)}
        if body is not None:
            request["postData"] = {"mimeType": sent["Content-Type"], "text": body}
        got = _listed(({"content-type": kind} if text else {}) | more.get("got", {}))
        response = {"status": status, "headers": got, "content": {"mimeType": kind, "text": text}}
        self.entries.append(
            {"startedDateTime": "2026-11-21T03:08:42+00:00", "time": 3, "request": request, "response": response}
        )

    def explained(self, directory: Path, name: str = "inputs.har") -> list[Any]:
        """What remains when it is replayed here."""
        har = directory / name
        har.write_text(json.dumps({"log": {"version": "1.2", "entries": self.entries}}))
        surroundings: dict[str, Any] = {"DATA_DIR": str(directory / "data"), "DISPLAY": "", "WAYLAND_DISPLAY": ""}
        candidate = ("--candidate", "backend:create_app('assistant')", "--domain", "assistant")
        report = replay(directory, har, "--control", "recording", *candidate, **surroundings)
        assert report["summary"]["exchanges"] == len(self.entries)
        assert report["summary"]["errors"] == 0
        return list(report["differences"])


def _listed(headers: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.items()]


def _claim(recording: Recording, tool: str, action: str, parameters: dict[str, Any]) -> None:
    """The old side's answer to any action."""
    title, status = TOOLS[tool]
    answer = {
        "success": True,
        "data": {"action": action, "parameters": parameters, "status": status},
        "message": f"{title} action '{action}' processed",
        "timestamp": "2026-11-21T03:08:42.497926",
    }
    recording.add("POST", f"/api/tools/{tool}", 200, answer, json.dumps({"action": action, "parameters": parameters}))


def test_actions_that_were_claimed_to_be_done(tmp_path: Path) -> None:
    recording = Recording()
    for tool, calls in CLAIMED.items():
        for action, parameters in calls:
            _claim(recording, tool, action, parameters)
    for action, password in (("setup", "Master-1-password"), ("setup", "Master-1-password"), ("unlock", "wrong")):
        _claim(recording, "password", action, {"password": password})
    for length, kind in (("16", "str"), (1.5, "float"), (None, "NoneType")):
        failure = f"Password tool failed: '{kind}' object cannot be interpreted as an integer"
        body = json.dumps({"action": "generate", "parameters": {"length": length}})
        recording.add("POST", "/api/tools/password", 500, {"detail": failure}, body)
    analyzed = {
        "success": True,
        "data": {
            "analysis": "placeholder - screen analysis pending",
            "elements": [],
            "text_content": "",
            "status": "placeholder",
        },
        "message": "Screen analysis completed",
        "timestamp": "2026-11-21T03:08:42.497926",
    }
    for body in ("[]", "nonsense", '{"image_path":5}', '{"image_path":"x.png"}'):
        recording.add("POST", "/api/tools/screen/analyze", 200, analyzed, body)
    assert recording.explained(tmp_path) == []


def test_calls_that_say_what_cannot_be(tmp_path: Path) -> None:
    recording = Recording()
    missing = [{"type": "missing", "loc": ["body", "action"], "msg": "Field required", "input": {}}]
    recording.add("POST", "/api/tools/password", 422, {"detail": missing}, "{}")
    for path, body in (
        ("/api/llm/chat", '{"message":"m","max_tokens":NaN}'),
        ("/api/llm/models/load", '{"path":"\\ud800"}'),
        ("/api/tools/finance", '{"action":NaN}'),
        ("/api/tools/music", '{"action":"fly","parameters":{"a":NaN}}'),
    ):
        recording.add("POST", path, 500, "Internal Server Error", body)
    for known in ("5", "true", "[1]", "{}", '"a"', '"\\ud800"'):
        body = f'{{"message":"hi","conversation_id":{known}}}'
        recording.add("POST", "/api/llm/chat", 503, {"detail": "No model loaded"}, body)
    for path in ("x" * 300, "x" * 5000, "/models/" + "y" * 300 + ".gguf"):
        answer = {"message": "Model loading started", "model_path": path, "status": "loading"}
        recording.add("POST", "/api/llm/models/load", 200, answer, json.dumps({"model_path": path}))
    assert recording.explained(tmp_path) == []


def test_pages_of_real_origins(tmp_path: Path) -> None:
    recording = Recording()
    allowed = {"access-control-allow-methods": "GET, POST, PUT, DELETE", "access-control-max-age": "600"}
    page = {"Origin": "http://localhost:3000"}
    wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type, x-request-id"}
    refused: dict[str, Any] = {
        "got": allowed | {"vary": "Origin", "access-control-allow-headers": "content-type, x-request-id"}
    }
    for path in ("/", "/api/llm/chat", "/api/tools/finance"):
        recording.add("OPTIONS", path, 400, "Disallowed CORS origin", sent=page | wanted, **refused)
        stranger = {"Origin": "http://evil.example"}
        recording.add("OPTIONS", path, 400, "Disallowed CORS origin", sent=stranger | wanted, **refused)
    recording.add("GET", "/api/llm/models", 200, [], sent=page)
    recording.add("GET", "/nope", 404, NOT_FOUND, sent=page)
    assert recording.explained(tmp_path) == []


def test_paths_that_the_old_side_did_not_know_and_those_of_its_pages(tmp_path: Path) -> None:
    recording = Recording()
    for path in ("/health", "/capture-screen", "/stop-monitoring", "/api/tools/screen", "/api/tailor-packs/backup"):
        for method in ("GET", "POST", "PUT", "DELETE"):
            recording.add(method, path, 404, NOT_FOUND)
        recording.add("GET", f"{path}/", 404, NOT_FOUND)
    for path in ("/start-monitoring", "/api/tailor-packs/p/toggle", "/v1/chat/completions"):
        recording.add("POST", path, 404, NOT_FOUND, "{}")
    for path in ("/api/docs", "/api/redoc"):
        html = {"content-type": "text/html; charset=utf-8"}
        recording.add("GET", path, 200, "<!DOCTYPE html><html>old</html>", got=html)
        recording.add("HEAD", path, 200, "", got=html)
        recording.add("PUT", path, 405, {"detail": "Method Not Allowed"}, got={"allow": "HEAD, GET"})
    recording.add("GET", "/docs/oauth2-redirect", 200, "<html>old</html>", got={"content-type": "text/html"})
    recording.add("POST", "/docs/oauth2-redirect", 405, {"detail": "Method Not Allowed"}, got={"allow": "HEAD, GET"})
    recording.add("HEAD", "/openapi.json", 200, "", got={"content-type": JSON})
    recording.add("GET", "/openapi.json", 200, {"openapi": "3.1.0", "info": {}, "paths": {}})
    assert recording.explained(tmp_path) == []


def test_names_that_the_server_does_not_go_by(tmp_path: Path) -> None:
    recording = Recording()
    for host in ("evil.example", "evil.example:8756", "localhost.evil.example", "[::1]:8756"):
        recording.add("GET", "/", 400, "Invalid host header", sent={"Host": host})
        recording.add("POST", "/api/tools/finance", 400, "Invalid host header", "{}", sent={"Host": host})
    recording.add("GET", "/nope", 404, NOT_FOUND, sent={"Host": "localhost:1234"})
    moved = {"location": "http://localhost:1234/api/tools/?a=1&b=%20x+y"}
    recording.add("GET", "/api/tools?a=1&b=%20x+y", 307, "", sent={"Host": "localhost:1234"}, got=moved)
    assert recording.explained(tmp_path) == []


def test_the_server_without_a_framework(tmp_path: Path) -> None:
    recording = Recording()
    anybody = {"access-control-allow-origin": "*"}
    for path in ("/nope", "/api/tools", "/api/llm/models", "/api/llm/models/current"):
        unknown = {"error": "Not Found", "path": path, "available_endpoints": ["/", "/api/health", "/shutdown"]}
        recording.add("GET", path, 404, unknown, got=anybody)
        recording.add("POST", path, 501, {"error": "Method not implemented", "path": path, "method": "POST"}, "{}")
        page = "<!DOCTYPE HTML><title>Error response</title>"
        recording.add("PUT", path, 501, page, got={"content-type": "text/html;charset=utf-8"})
        recording.add("OPTIONS", path, 200, "", got=anybody | {"access-control-allow-methods": "GET, POST, OPTIONS"})
    assert recording.explained(tmp_path, "other_simple_server.har") == []
