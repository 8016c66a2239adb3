"""WebSockets under gunicorn, alone and behind the proxy: limits, heartbeat, time-outs and a clean end."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import websocket

from backend.core.settings import Settings, SettingsError
from backend.core.sockets import SocketSettings
from tests.support.serving import Server, serving
from tests.support.waiting import eventually

WAIT = 15.0
QUICK = {
    "SOCKETS": "4",
    "SOCKETS_PER_ADDRESS": "3",
    "SOCKET_PING_SECONDS": "0.5",
    "SOCKET_IDLE_SECONDS": "2",
    "SOCKET_SEND_SECONDS": "0.5",
    "SOCKET_MESSAGE_BYTES": "100000",
    "TRUSTED_PROXIES": "1",
}


@pytest.fixture(scope="module", params=["create_app", "behind_proxy"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    app = f"tests.core.socket_app:{request.param}()"
    with serving(app, tmp_path_factory.mktemp("sockets"), QUICK, workers=1, threads=6) as running:
        yield running
    assert "Exception in thread" not in running.log.read_text()


@pytest.fixture
def connect(server: Server) -> Iterator[Callable[..., websocket.WebSocket]]:
    opened: list[websocket.WebSocket] = []

    def open_one(query: str = "", address: str = "10.0.0.1", **options: Any) -> websocket.WebSocket:
        headers = [f"X-Forwarded-For: {address}"]
        url = f"ws://127.0.0.1:{server.port}/ws/echo{query}"
        opened.append(websocket.create_connection(url, WAIT, header=headers, **options))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close(timeout=1)
    eventually(lambda: counts(server)["open"] == 0)


def counts(server: Server) -> dict[str, int]:
    answer = server.request("GET", "/health")
    assert answer.status == 200
    found: dict[str, int] = answer.json
    return found


def closing(ws: websocket.WebSocket) -> tuple[int, str]:
    """The code and the reason with which the server closes; pings in between, and the end, are answered."""
    while (frame := ws.recv_frame()).opcode != websocket.ABNF.OPCODE_CLOSE:
        if frame.opcode == websocket.ABNF.OPCODE_PING:
            ws.pong(frame.data)
    # The server may have gone already: it waits for this only so long.
    with suppress(OSError):
        ws.send_close()
    return struct.unpack("!H", frame.data[:2])[0], frame.data[2:].decode()


def refusal(connect: Callable[..., websocket.WebSocket], *arguments: Any, **options: Any) -> tuple[int, Any]:
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        connect(*arguments, **options)
    return refused.value.status_code, json.loads(refused.value.resp_body)


def test_messages_come_back_whole(connect: Callable[..., websocket.WebSocket]) -> None:
    ws = connect()

    for message in ("hello", "", "é" * 1000, "x" * 90_000):
        ws.send(message)
        assert ws.recv() == message
    ws.send_binary(b"\x00\xff")
    assert ws.recv() == b"\x00\xff"


def test_one_caller_holds_only_so_many(server: Server, connect: Callable[..., websocket.WebSocket]) -> None:
    for _ in range(3):
        connect()

    status, body = refusal(connect)
    assert (status, body) == (429, {"detail": "You have too many WebSockets open"})

    connect(address="10.0.0.2")
    status, body = refusal(connect, address="10.0.0.3")
    assert (status, body) == (503, {"detail": "Too many WebSockets are open"})
    assert counts(server)["open"] == 4  # and there are threads left that say so


def test_one_user_holds_only_so_many(connect: Callable[..., websocket.WebSocket]) -> None:
    first = connect("?token=ada", address="10.0.0.1")
    connect("?token=ada", address="10.0.0.2")

    assert refusal(connect, "?token=ada", address="10.0.0.3")[0] == 429
    connect("?token=bob", address="10.0.0.3").close()
    first.close()
    eventually(lambda: _opens(connect, "?token=ada", address="10.0.0.3"))


def _opens(connect: Callable[..., websocket.WebSocket], *arguments: Any, **options: Any) -> bool:
    try:
        connect(*arguments, **options)
    except websocket.WebSocketBadStatusException:
        return False
    return True


def test_whoever_may_not_come_gets_an_ordinary_answer(server: Server, connect: Callable[..., Any]) -> None:
    assert refusal(connect, "?token=wrong") == (401, {"detail": "Could not validate credentials"})
    assert refusal(connect, origin="http://evil.example")[0] == 403
    connect(origin="http://localhost:3000")
    assert server.request("GET", "/ws/echo").status == 400


def test_who_shows_no_sign_of_life_is_let_go(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), WAIT) as sock:
        sock.sendall(
            b"GET /ws/echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        received = b""
        while data := sock.recv(65536):
            received += data
    assert received.startswith(b"HTTP/1.1 101 ")
    assert b"\x89\x00" in received  # a ping
    assert received.endswith(b"Ping/Pong timeout")
    assert received.count(b"HTTP/1.1 ") == 1


def test_who_says_nothing_is_let_go(connect: Callable[..., websocket.WebSocket]) -> None:
    assert closing(connect()) == (1008, "Idle for too long")


def test_large_messages_are_refused(server: Server, connect: Callable[..., websocket.WebSocket]) -> None:
    ws = connect()
    ws.send("x" * 100_001)

    assert closing(ws)[0] == 1009
    eventually(lambda: counts(server)["open"] == 0)


def test_a_failing_handler_says_so(connect: Callable[..., websocket.WebSocket]) -> None:
    ws = connect()
    ws.send("fail")

    assert closing(ws) == (1011, "The server could not go on")


def test_who_takes_nothing_holds_no_thread(server: Server, connect: Callable[..., websocket.WebSocket]) -> None:
    before = counts(server).get("ended: not taken", 0)
    ws = connect(sockopt=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)])
    ws.send("flood")

    eventually(lambda: counts(server).get("ended: not taken", 0) == before + 1)


def test_who_sends_much_is_read_no_faster_than_handled(connect: Callable[..., websocket.WebSocket]) -> None:
    ws = connect()
    sender = threading.Thread(target=lambda: [ws.send(f"{number}:" + "x" * 5000) for number in range(200)])
    sender.start()

    got = [ws.recv().split(":")[0] for _ in range(200)]

    sender.join(WAIT)
    assert got == [str(number) for number in range(200)]


def test_a_stop_says_goodbye(tmp_path: Path) -> None:
    with serving("tests.core.socket_app:behind_proxy()", tmp_path, {}, workers=1, threads=6) as server:
        ws = websocket.create_connection(f"ws://127.0.0.1:{server.port}/ws/echo", WAIT)
        ws.send("hello")
        assert ws.recv() == "hello"

        os.kill(server.process.pid, signal.SIGTERM)

        assert closing(ws) == (1001, "The server is stopping")
        assert server.process.wait(WAIT) == 0
        assert "Traceback" not in server.log.read_text()


def test_a_worker_that_is_replaced_waits_for_no_websocket(tmp_path: Path) -> None:
    options = [
        "--config=deploy/gunicorn.conf.py",
        "--max-requests=4",
        "--max-requests-jitter=0",
        "--graceful-timeout=1",
    ]
    with serving("tests.core.socket_app:create_app()", tmp_path, {}, workers=1, options=options) as server:
        ws = websocket.create_connection(f"ws://127.0.0.1:{server.port}/ws/echo", WAIT)
        (worker,) = server.workers
        while server.request("GET", "/health", timeout=1).status == 200 and worker in server.workers:
            pass

        assert closing(ws) == (1001, "The server is stopping")
        eventually(lambda: server.request("GET", "/health").status == 200)
        assert worker not in server.workers


@pytest.mark.parametrize(
    ("variables", "blamed"),
    [({"SOCKETS": "16", "WEB_THREADS": "16"}, "SOCKETS must be below WEB_THREADS"), ({"SOCKETS": "-1"}, "SOCKETS")],
)
def test_settings_leave_threads_for_requests(variables: dict[str, str], blamed: str) -> None:
    with pytest.raises(SettingsError, match=blamed):
        SocketSettings.read(Settings.from_environment("shop", variables).read)
    assert SocketSettings.read(Settings.from_environment("shop", {"WEB_THREADS": "16"}).read).in_all == 8
