"""WebSockets pass through to the origin and end when either side ends."""

from __future__ import annotations

import contextlib
import json
import socket
import threading

from front import WAIT, Front, read_all
from origin import Origin, OriginConnection, head_values
from simple_websocket import Client, ConnectionClosed, Server

from tests.migration.proxy.conftest import FrontMaker

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Own: 1\r\n\r\n"


def read_through_head(sock: socket.socket) -> tuple[bytes, bytes]:
    received = b""
    while b"\r\n\r\n" not in received:
        data = sock.recv(65536)
        assert data, received
        received += data
    head, _, rest = received.partition(b"\r\n\r\n")
    return head, rest


def test_messages_pass_both_ways(front: Front, origin: Origin) -> None:
    def echo(connection: OriginConnection) -> None:
        head = connection.read_head()
        assert head_values(head, "connection") == ["Upgrade"]
        environ = {
            f"HTTP_{name.upper().replace('-', '_')}": head_values(head, name)[0]
            for name in ("connection", "upgrade", "host", "sec-websocket-version", "sec-websocket-key")
        }
        ws = Server({**environ, "werkzeug.socket": connection.sock, "PATH_INFO": "/ws", "QUERY_STRING": ""})
        with contextlib.suppress(ConnectionClosed):
            while True:
                ws.send(ws.receive())

    origin.script = echo
    client = Client.connect(f"ws://127.0.0.1:{front.port}/ws")
    for message in ("hello", b"\x00\xff", "x" * 300_000):
        client.send(message)
        assert client.receive(timeout=WAIT) == message
    client.close()


def test_bytes_right_behind_the_handshake_are_kept(front: Front, origin: Origin) -> None:
    def script(connection: OriginConnection) -> None:
        connection.read_head()
        connection.send(SWITCHING + b"first bytes")

    origin.script = script
    with front.connect() as sock:
        sock.sendall(HANDSHAKE)
        head, rest = read_through_head(sock)
        assert b"\r\nX-Own: 1" in head
        assert rest + read_all(sock) == b"first bytes"


def test_the_end_of_the_client_is_the_end(front: Front, origin: Origin) -> None:
    ended = threading.Event()

    def script(connection: OriginConnection) -> None:
        connection.read_head()
        connection.send(SWITCHING)
        assert connection.read_to_end() == b"bye"
        ended.set()

    origin.script = script
    with front.connect() as sock:
        sock.sendall(HANDSHAKE)
        read_through_head(sock)
        sock.sendall(b"bye")
    assert ended.wait(WAIT)


def test_a_refused_handshake_is_an_ordinary_answer(front: Front, origin: Origin) -> None:
    def script(connection: OriginConnection) -> None:
        connection.read_head()
        connection.answer(b"no", status="403 Forbidden")

    origin.script = script
    with front.connect() as sock:
        sock.sendall(HANDSHAKE)
        head, rest = read_through_head(sock)
    assert head.startswith(b"HTTP/1.1 403 Forbidden")
    assert rest in (b"no", b"")


def test_an_origin_that_is_down_is_a_502(make_front: FrontMaker) -> None:
    origin = Origin()
    front = make_front(origin.url)
    origin.kill()
    with front.connect() as sock:
        sock.sendall(HANDSHAKE.replace(b"keep-alive, Upgrade", b"Upgrade"))
        head, _ = read_through_head(sock)
    assert head.startswith(b"HTTP/1.1 502 ")


def test_a_silent_websocket_is_ended(make_front: FrontMaker) -> None:
    def script(connection: OriginConnection) -> None:
        connection.read_head()
        connection.send(SWITCHING)
        connection.is_closed_by_peer()

    with Origin(script) as origin:
        front = make_front(origin.url, CUTOVER_STREAM_TIMEOUT="0.3")
        with front.connect() as sock:
            sock.sendall(HANDSHAKE)
            read_through_head(sock)
            assert read_all(sock) == b""
        response = front.request("GET", "/native/after")
        assert json.loads(response.read())["side"] == "native"


def test_much_in_both_directions_at_once(front: Front, origin: Origin) -> None:
    size = 8 * 1024 * 1024

    def script(connection: OriginConnection) -> None:
        connection.read_head()
        connection.send(SWITCHING)
        sender = threading.Thread(target=connection.send, args=(b"o" * size,))
        sender.start()
        received = connection.read_exactly(size)
        sender.join(WAIT)
        connection.send(b"%08d" % len(received))

    origin.script = script
    with front.connect() as sock:
        sock.sendall(HANDSHAKE)
        _, rest = read_through_head(sock)
        sender = threading.Thread(target=sock.sendall, args=(b"c" * size,))
        sender.start()
        received = rest + read_all(sock)
        sender.join(WAIT)
    assert received == b"o" * size + b"%08d" % size
