"""Rate limits and body sizes, in the shape of each domain."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from backend.core.settings import SettingsError
from tests.core.limited_app import create_app
from tests.support.net import free_port
from tests.support.serving import Server, serving
from tests.support.waiting import eventually

WAIT = 15.0


@contextmanager
def running_redis(directory: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    redis = pytest.importorskip("redis")

    def answers() -> bool:
        with suppress(redis.ConnectionError):
            return bool(redis.Redis(port=port).ping())
        return False

    command = ["redis-server", "--port", str(port), "--save", "", "--dir", str(directory), "--bind", "127.0.0.1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        eventually(answers)
        yield process
    finally:
        process.terminate()
        process.wait(WAIT)


def client_with(monkeypatch: pytest.MonkeyPatch, shape: str = "detail", **variables: str) -> FlaskClient:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return create_app(shape).test_client()


@pytest.mark.parametrize(
    ("shape", "body"),
    [("detail", {"detail": "Too many requests"}), ("error", {"error": "Too many requests"})],
)
def test_who_asks_too_often_is_told_to_wait(monkeypatch: pytest.MonkeyPatch, shape: str, body: dict[str, str]) -> None:
    client = client_with(monkeypatch, shape, RATE_LIMIT="3/minute")

    assert [client.get("/notes").status_code for _ in range(3)] == [200] * 3
    refused = client.get("/notes")

    assert (refused.status_code, refused.json) == (429, body)
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert client.get("/healthz").status_code == 200
    assert client.get("/nowhere").status_code == 404
    assert client.get("/notes", environ_base={"REMOTE_ADDR": "10.0.0.9"}).status_code == 200


def test_one_limit_is_for_all_routes_together(monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_with(monkeypatch, RATE_LIMIT="2/minute;100/hour")

    answers = [client.get("/notes"), client.post("/notes", json={}), client.get("/notes")]

    assert [answer.status_code for answer in answers] == [200, 422, 429]


def test_nothing_is_limited_unless_somebody_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_with(monkeypatch)

    assert {client.get("/notes").status_code for _ in range(200)} == {200}


def test_proxies_are_believed_as_far_as_they_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    trusting = client_with(monkeypatch, RATE_LIMIT="1/minute", TRUSTED_PROXIES="1")
    for address in ("10.0.0.1", "10.0.0.2"):
        headers = {"X-Forwarded-For": f"6.6.6.6, {address}"}
        assert [trusting.get("/notes", headers=headers).status_code for _ in range(2)] == [200, 429]

    trusting_nobody = client_with(monkeypatch, TRUSTED_PROXIES="0")
    headers = [{"X-Forwarded-For": f"10.0.0.{number}"} for number in (1, 2)]
    assert [trusting_nobody.get("/notes", headers=one).status_code for one in headers] == [200, 429]


def test_wrong_limits_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="RATE_LIMIT must be limits such as"):
        client_with(monkeypatch, RATE_LIMIT="often")


def test_processes_count_together_in_redis_and_alone_without(tmp_path: Path) -> None:
    port = free_port()
    variables = {"RATE_LIMIT": "4/minute", "RATE_LIMIT_STORAGE_URL": f"redis://127.0.0.1:{port}/0"}
    with (
        running_redis(tmp_path, port) as redis,
        serving("tests.core.limited_app:create_app()", tmp_path, variables, workers=2, ready="/healthz") as server,
    ):
        assert [server.request("GET", "/notes").status for _ in range(6)] == [200] * 4 + [429] * 2
        redis.terminate()
        redis.wait(WAIT)

        assert server.request("GET", "/notes").status == 200
        assert {server.request("GET", "/notes").status for _ in range(12)} >= {429}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    app = "tests.core.limited_app:create_app()"
    with serving(app, tmp_path_factory.mktemp("limits"), {}, workers=1, ready="/healthz") as running:
        yield running


def test_large_bodies_are_refused(server: Server) -> None:
    answer = server.request("POST", "/notes", {"text": "x" * 100})

    assert (answer.status, answer.json) == (413, {"detail": "Request Entity Too Large"})
    assert server.request("POST", "/notes", {"text": "x"}).status == 200


def test_large_bodies_of_unknown_length_are_refused(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), WAIT) as sock:
        sock.sendall(
            b"POST /notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
            b"Connection: close\r\n\r\n" + b"80\r\n" + b"x" * 0x80 + b"\r\n0\r\n\r\n"
        )
        received = b""
        while data := sock.recv(65536):
            received += data
    assert received.startswith(b"HTTP/1.1 413 ")
    assert received.endswith(b'{"detail":"Request Entity Too Large"}')


def test_a_body_that_is_not_well_formed_is_its_senders_fault(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), WAIT) as sock:
        sock.sendall(
            b"POST /notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
            b"\r\nnonsense\r\n"
        )
        received = b""
        while data := sock.recv(65536):  # where the next request would begin nobody knows: the connection ends
            received += data
    assert received.startswith(b"HTTP/1.1 400 ")
    assert b'{"detail":' in received
