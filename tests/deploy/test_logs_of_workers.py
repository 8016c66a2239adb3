"""What a server with several workers logs: JSON, each request once, the same id on both sides, and no secrets."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from migration.ledger import Ledger
from tests.support.cli import ROOT
from tests.support.figures import parsed, total
from tests.support.net import free_port
from tests.support.serving import Server, serving

CONFIG = str(ROOT / "deploy" / "gunicorn.conf.py")
TABLE = (ROOT / "docs" / "operations.md").read_text().partition("## Metrics")[2].partition("### ")[0]
DESCRIBED = {
    name for line in TABLE.splitlines() if line.startswith("| `") for name in re.findall(r"`(\w+)`", line.split("|")[1])
}
SECRET = "hunter2Zq81xKcVb90LmPw3"


class OldSide(BaseHTTPRequestHandler):
    """Remembers the ids and cookies that it was sent."""

    protocol_version = "HTTP/1.1"
    ids: list[str] = []
    cookies: list[str] = []

    def do_GET(self) -> None:
        """Answer, or break off in the middle."""
        self.ids.extend(self.headers.get_all("X-Request-ID", []))
        self.cookies.extend(self.headers.get_all("Cookie", []))
        self.send_response(200)
        self.send_header("Content-Length", "100" if "broken" in self.path else "2")
        self.end_headers()
        self.wfile.write(b"ok")
        self.close_connection = "broken" in self.path

    def do_POST(self) -> None:
        """Take the body."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def old_side() -> Iterator[str]:
    OldSide.ids, OldSide.cookies = [], []
    with ThreadingHTTPServer(("127.0.0.1", 0), OldSide) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    return {
        "SPOT_DATABASE_URL": f"sqlite:///{tmp_path}/spot.sqlite3",
        "CUTOVER_LEDGER_URL": f"sqlite:///{tmp_path}/ledger.sqlite3",
        "LOG_DIR": f"{tmp_path}/logs",
        **more,
    }


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def raw(server: Server, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_forwarded_request_has_one_id_on_both_sides(tmp_path: Path, old_side: str) -> None:
    given = environment(tmp_path, CUTOVER_UPSTREAM=old_side)
    Ledger(given["CUTOVER_LEDGER_URL"]).seed("spot", [("GET", "/api/admin/stats")])
    with serving("wsgi:application", tmp_path, given, options=["--config", CONFIG]) as server:
        OldSide.ids.clear()
        kept = server.request("GET", "/api/admin/stats", X_Request_ID="caller-0001")
        made = server.request("GET", "/api/admin/stats", X_Request_ID="not well formed!")
        assert kept.headers["X-Request-ID"] == "caller-0001"
        assert UUID(made.headers["X-Request-ID"]).version == 4
        assert OldSide.ids == ["caller-0001", made.headers["X-Request-ID"]]
        # What stands in front of the proxy must not keep it from gunicorn's own request, which has each header alone.
        raw(server, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n")
        assert OldSide.cookies == ["a=1", "b=2"]
        server.request("GET", "/broken")
        text = server.request("GET", "/metrics").body.decode()
        assert set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE)) == DESCRIBED
        found = parsed(text)
        assert total(found, "cutover_upstream_failures_total", kind="broken_answer", domain="spot") == 1
        assert total(found, "cutover_upstream_connections_opened_total", domain="spot") >= 1
        assert total(found, "cutover_upstream_connections", state="in_use") == 0
        assert total(found, "cutover_ledger_routes", state="legacy", domain="spot") == 1
        assert total(found, "cutover_ledger_generation", domain="spot") >= 1
        assert 0 <= total(found, "cutover_ledger_age_seconds", domain="spot") < 10
    logged = lines(tmp_path / "logs" / "spot.log")
    (line,) = [line for line in logged if line.get("request_id") == "caller-0001"]
    assert (line["owner"], line["route"], line["status"]) == ("legacy", "/api/admin/stats", 200)
    (warning,) = [line for line in logged if line["logger"].startswith("migration")]
    assert (warning["level"], warning["path"], warning["owner"]) == ("WARNING", "/broken", "legacy")
    assert UUID(warning["request_id"]).version == 4


def test_an_upstream_that_is_away_is_counted_by_kind_and_the_answer_has_an_id(tmp_path: Path) -> None:
    given = environment(tmp_path, CUTOVER_UPSTREAM=f"http://127.0.0.1:{free_port()}")
    with serving("wsgi:application", tmp_path, given, ready="/healthz", options=["--config", CONFIG]) as server:
        for _ in range(4):
            answer = server.request("GET", "/api/admin/stats", X_Request_ID="caller-0001")
            assert (answer.status, answer.json["request_id"]) == (502, "caller-0001")
            assert answer.headers["X-Request-ID"] == "caller-0001"
        found = parsed(server.request("GET", "/metrics").body.decode())
        assert total(found, "cutover_upstream_failures_total", kind="upstream_unreachable") == 4
        assert total(found, "cutover_http_requests_total", status="502", owner="legacy") == 4


@pytest.mark.parametrize("app", ["wsgi:application", "backend:create_app()"])
def test_secrets_are_nowhere(app: str, tmp_path: Path) -> None:
    given = environment(tmp_path, LOG_LEVEL="DEBUG")
    with serving(app, tmp_path, given, options=["--config", CONFIG, "--log-level=debug"]) as server:
        for path in ("/health", "/api/agents/x/config", "/unknown", f"/api/agents/{SECRET}/config", f"/{SECRET}"):
            for method in ("GET", "POST", "PUT", "DELETE"):
                headers = {"Authorization": f"Bearer {SECRET}", "Cookie": f"session={SECRET}", "X_Api_Key": SECRET}
                server.request(method, f"{path}?token={SECRET}", {"password": SECRET, "port": SECRET}, **headers)
        server.request("POST", "/api/agents/register", {"client_token": SECRET, "hostname": [SECRET]})
        server.request("POST", "/api/admin/clients/create", {"name": f"{SECRET}" * 30})
        server.request("POST", "/api/admin/clients/create", {"name": SECRET, "email": {SECRET: SECRET}})
        raw(server, f"GET /?a={SECRET} HTTP/9.{SECRET}\r\n\r\n".encode())
        raw(server, f"GET /?a={SECRET} HTTP/1.1\r\nBad {SECRET} Header\r\n\r\n".encode())
        raw(server, f"{SECRET}\r\n\r\n".encode())
        raw(server, f"POST /?a={SECRET} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{SECRET}".encode())
        assert SECRET not in server.request("GET", "/metrics").body.decode()
    written = {path.name: path.read_text() for path in (tmp_path / "logs").iterdir() if path.is_file()}
    written["stderr"] = server.log.read_text()
    assert {"spot.log", "spot-error.log", "stderr"} <= written.keys()
    assert len(written["spot.log"].splitlines()) > 20
    for name, text in written.items():
        found = [line for line in text.splitlines() if "hunter2" in line]
        assert found == [], name


def test_errors_have_a_file_of_their_own_and_each_request_one_line(tmp_path: Path) -> None:
    given = environment(tmp_path, SPOT_DATABASE_URL="mysql://nobody@127.0.0.1:1/nothing", AUTO_MIGRATE="false")
    with serving("backend:create_app()", tmp_path, given, ready="/healthz", options=["--config", CONFIG]) as server:
        ids = [f"caller-{number:04d}" for number in range(30)]
        for request_id in ids:
            answer = server.request("GET", "/api/notifications", X_Request_ID=request_id)
            assert (answer.status, answer.headers["X-Request-ID"]) == (500, request_id)
    everything = lines(tmp_path / "logs" / "spot.log")
    errors = lines(tmp_path / "logs" / "spot-error.log")
    ends = [line["request_id"] for line in everything if line["message"] == "request" and "duration_ms" in line]
    assert [request_id for request_id in ends if request_id.startswith("caller-")] == ids
    assert {line["level"] for line in errors} == {"ERROR"}
    assert {line["request_id"] for line in errors if line["logger"] == "backend.spot"} == set(ids)
    assert {line["route"] for line in errors if line["logger"] == "backend.spot"} == {"/api/notifications"}
