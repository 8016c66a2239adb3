"""Origins that are down, slow, dying or silent, and clients that break off."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time

import pytest
from front import WAIT, Front
from origin import Origin, OriginConnection, serve_simply

from tests.migration.proxy.conftest import FrontMaker


def code_of(response: http.client.HTTPResponse) -> str:
    answer = json.loads(response.read())
    assert answer["error"]
    return answer["code"]


def test_a_killed_origin_is_missed_at_once_and_found_again(make_front: FrontMaker) -> None:
    origin = Origin()
    front = make_front(origin.url)
    assert front.request("GET", "/").status == 200
    origin.kill()
    for method in ("GET", "POST"):
        started = time.monotonic()
        response = front.request(method, "/", headers={"X-Request-ID": "r-1"})
        assert response.status == 502
        assert json.loads(response.read()) == {
            "error": "The upstream can't be reached.", "code": "upstream_unreachable", "request_id": "r-1",
        }  # fmt: skip
        assert time.monotonic() - started < 1.0
    with Origin(port=origin.port):
        assert front.request("POST", "/", b"x").status == 200


def test_a_slow_origin_is_a_timeout(make_front: FrontMaker) -> None:
    done = threading.Event()
    with Origin(lambda connection: done.wait(WAIT)) as origin:
        front = make_front(origin.url, CUTOVER_READ_TIMEOUT="0.2", CUTOVER_CLIENT_TIMEOUT="0.3")
        response = front.request("GET", "/")
        assert (response.status, code_of(response)) == (504, "upstream_timeout")
        with front.connect() as sock:
            sock.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
            assert sock.recv(65536).startswith(b"HTTP/1.1 408 ")
        done.set()


@pytest.mark.parametrize(
    "answer",
    [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
     b"Connection: upgrade\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
     b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000],
    ids=["not HTTP", "half a head", "101 unasked", "two lengths", "endless head"],
)  # fmt: skip
def test_nonsense_from_the_origin(front: Front, origin: Origin, answer: bytes) -> None:
    origin.script = lambda connection: (connection.read_head(), connection.send(answer))
    response = front.request("GET", "/")
    assert (response.status, code_of(response)) == (502, "upstream_invalid")


def test_an_origin_that_closes_without_an_answer(front: Front, origin: Origin) -> None:
    origin.script = lambda connection: connection.read_head()
    response = front.request("GET", "/")
    assert (response.status, code_of(response)) == (502, "upstream_closed")


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc",
    ],
)
@pytest.mark.parametrize("end", [OriginConnection.reset, lambda connection: connection.sock.shutdown(socket.SHUT_WR)])
def test_a_broken_answer_stays_broken(front: Front, origin: Origin, start: bytes, end) -> None:  # type: ignore[no-untyped-def]
    arrived = threading.Event()

    def script(connection: OriginConnection) -> None:
        connection.read_head()
        connection.send(start)
        arrived.wait(WAIT)
        end(connection)

    origin.script = script
    response = front.request("GET", "/")
    assert response.status == 200
    assert response.read(3) == b"abc"
    arrived.set()
    with pytest.raises(http.client.IncompleteRead):
        response.read()


def test_a_broken_answer_is_a_reset_for_http_1_0(front: Front, origin: Origin) -> None:
    arrived = threading.Event()

    def script(connection: OriginConnection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        arrived.wait(WAIT)

    origin.script = script
    with front.connect() as sock:
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        received = b""
        while not received.endswith(b"abc"):
            received += sock.recv(65536)
        arrived.set()
        with pytest.raises(ConnectionResetError):
            sock.recv(65536)
    assert front.request("GET", "/native/after").status == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_connection_that_died_in_the_pool_is_not_used(front: Front, origin: Origin, method: str) -> None:
    close, closed = threading.Event(), threading.Event()

    def once(connection: OriginConnection) -> None:
        connection.read_head()
        connection.answer(b"once")
        close.wait(WAIT)
        connection.sock.close()
        closed.set()

    origin.script = once
    assert front.request("GET", "/").read() == b"once"
    origin.script = serve_simply
    close.set()
    assert closed.wait(WAIT)
    response = front.request(method, "/again")
    assert response.status == 200
    assert b"/again" in response.read()


def die_at_the_second(heads: list[bytes]):  # type: ignore[no-untyped-def]
    """Answers one request, takes the next one and closes without an answer, as a server that stops."""

    def script(connection: OriginConnection) -> None:
        heads.append(connection.read_head())
        connection.answer(b"first")
        heads.append(connection.read_head())

    return script


def test_a_safe_request_that_met_a_dying_connection_is_sent_again(front: Front, origin: Origin) -> None:
    heads: list[bytes] = []
    origin.script = die_at_the_second(heads)
    assert front.request("GET", "/1").read() == b"first"
    assert front.request("GET", "/2").read() == b"first"
    assert [head.split()[1] for head in heads if head] == [b"/1", b"/2", b"/2"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_request_with_an_effect_is_never_sent_twice(front: Front, origin: Origin, method: str) -> None:
    heads: list[bytes] = []
    origin.script = die_at_the_second(heads)
    assert front.request("GET", "/1").read() == b"first"
    response = front.request(method, "/2")
    assert (response.status, code_of(response)) == (502, "upstream_closed")
    assert [head.split()[1] for head in heads if head] == [b"/1", b"/2"]


def test_a_refusal_ends_the_upload(front: Front, origin: Origin) -> None:
    def script(connection: OriginConnection) -> None:
        connection.read_head()
        connection.answer(b"too much", "Connection: close", status="413 Content Too Large")
        connection.is_closed_by_peer()

    origin.script = script
    response = front.request("POST", "/", b"x" * 20_000_000)
    assert (response.status, response.reason, response.read()) == (413, "Content Too Large", b"too much")
    assert front.request("GET", "/native/after").status == 200


def test_an_early_success_does_not_end_the_upload(front: Front, origin: Origin) -> None:
    def script(connection: OriginConnection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n")
        connection.send(b"%07d" % len(connection.read_exactly(1_000_000)))

    origin.script = script
    assert front.request("POST", "/", b"x" * 1_000_000).read() == b"1000000"


@pytest.mark.parametrize(
    "start",
    [
        b"Content-Length: 1000000\r\n\r\n" + b"x" * 200_000,
        b"Transfer-Encoding: chunked\r\n\r\n30d40\r\n" + b"x" * 200_000 + b"\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n" + b"x" * 200_000,
        b"Transfer-Encoding: chunked\r\n\r\n30d40\r\n" + b"x" * 200_000 + b"\r\nnonsense\r\n\r\n",
    ],
    ids=["short", "no last chunk", "half a chunk", "bad chunk"],
)
def test_an_upload_that_breaks_off_is_never_whole(front: Front, origin: Origin, start: bytes) -> None:
    got: list[bytes] = []
    begun, ended = threading.Event(), threading.Event()

    def script(connection: OriginConnection) -> None:
        connection.read_head()
        connection.read_exactly(1000)
        begun.set()
        try:
            got.append(connection.read_to_end())
        except ConnectionResetError:
            got.append(b"reset")
        ended.set()

    origin.script = script
    with front.connect() as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n" + start)
        assert begun.wait(WAIT)
    assert ended.wait(WAIT)
    assert not got[0].endswith(b"\r\n0\r\n\r\n")


def test_a_short_upload_that_breaks_off_is_never_sent(front: Front, origin: Origin) -> None:
    front.request("GET", "/").read()
    heard: list[bytes] = []
    origin.script = lambda connection: heard.append(connection.read_head())
    with front.connect() as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        sock.shutdown(socket.SHUT_WR)
        answer = sock.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"incomplete_request" in answer
    assert heard == []


def test_what_follows_a_bad_chunk_is_no_request(front: Front, origin: Origin) -> None:
    smuggled = b"zz\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    message = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + smuggled
    answer = front.exchange(message)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_no_traceback_reaches_a_client_or_the_log(front: Front) -> None:
    assert b"Traceback" not in front.log.read_bytes().replace(b"control socket", b"")
