"""What a process does when it is told to stop."""

from __future__ import annotations

import http.client
import os
import signal
import socket
from pathlib import Path

import pytest

from tests.support.serving import Server, serving
from tests.support.waiting import eventually

WAIT = 15.0


def kept_alive(server: Server) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT)
    connection.request("GET", "/notes")
    answer = connection.getresponse()
    assert answer.status == 200
    answer.read()
    return connection


def ask(connection: http.client.HTTPConnection, path: str) -> tuple[int, bytes, str | None, str | None]:
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers["Retry-After"], answer.headers["Connection"]


@pytest.mark.parametrize(
    ("shape", "body"),
    [("detail", b'{"detail":"The server is stopping"}'), ("error", b'{"error":"The server is stopping"}\n')],
)
def test_what_runs_ends_and_nothing_new_begins(tmp_path: Path, shape: str, body: bytes) -> None:
    left = tmp_path / "left"
    app = f"tests.core.limited_app:create_app('{shape}')"
    options = {"options": ["--keep-alive=30"], "workers": 1, "ready": "/healthz"}
    with serving(app, tmp_path, {"LEFT_BEHIND": str(left), "STOP_LINGER_SECONDS": "0"}, **options) as server:  # type: ignore[arg-type]
        first, second = kept_alive(server), kept_alive(server)
        running = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT)
        running.request("GET", "/slow")
        stream = running.getresponse()
        assert stream.readline() == b"0\n"

        worker = server.workers[0]
        os.kill(worker, signal.SIGTERM)
        eventually(left.exists)

        assert ask(first, "/notes") == (503, body, "1", "close")
        status, told, _, _ = ask(second, "/readyz")
        assert status == 503
        assert b"The server is stopping." in told
        last = Path(f"{left}-{worker}")
        assert not last.exists()  # the stream may need what is given back last
        assert stream.read().split() == [str(number).encode() for number in range(1, 20)]
        eventually(last.exists)
        assert "Traceback" not in server.log.read_text()


def test_open_connections_may_be_served_a_little_longer(tmp_path: Path) -> None:
    options = {"options": ["--keep-alive=30"], "workers": 1, "ready": "/healthz"}
    left = tmp_path / "left"
    variables = {"STOP_LINGER_SECONDS": "60", "LEFT_BEHIND": str(left)}
    with serving("tests.core.limited_app:create_app()", tmp_path, variables, **options) as server:  # type: ignore[arg-type]
        connection = kept_alive(server)
        os.kill(server.workers[0], signal.SIGTERM)
        eventually(left.exists)

        status, _, _, kept = ask(connection, "/notes")

        assert (status, kept) == (200, "close")


def test_a_stop_without_work_is_quick_and_clean(tmp_path: Path) -> None:
    left = tmp_path / "left"
    app = "tests.core.limited_app:create_app()"
    with serving(app, tmp_path, {"LEFT_BEHIND": str(left)}, workers=2, ready="/healthz") as server:
        server.process.send_signal(signal.SIGTERM)

        assert server.process.wait(WAIT) == 0
        assert left.read_text() == "given back"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), WAIT)
