"""What reaches the origin and what reaches the client, byte for byte."""

from __future__ import annotations

import socket
import struct
import sys
import threading

import pytest
from front import WAIT, Front
from origin import Origin, OriginConnection, head_values

from tests.migration.proxy.conftest import FrontMaker


def request(line: str, *headers: str, body: bytes = b"") -> bytes:
    return ("\r\n".join([line, "Host: shop.example", *headers, "Connection: close"]) + "\r\n\r\n").encode() + body


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    "target",
    [
        "/a%2Fb/c",
        "/a//b///c",
        "/a;v=1/b;x",
        "/%00/%ff%fe",
        "/x?",
        "/x?a=%20+&&b==%2F?/",
        "/%E4%BD%A0/~a!$&'()*+,=:@",
        "//shop/x",
        "/a/../b/./c",
        "/x#fragment",
    ],
)
def test_targets_survive_byte_for_byte(front: Front, target: str) -> None:
    seen = body_of(front.exchange(request(f"GET {target} HTTP/1.1")))
    assert seen.startswith(f"GET {target} HTTP/1.1\r\n".encode())


def test_an_absolute_target_names_the_host(front: Front) -> None:
    seen = body_of(front.exchange(request("GET http://other.example:81/p%2Fq?x HTTP/1.1")))
    assert seen.startswith(b"GET /p%2Fq?x HTTP/1.1\r\nHost: other.example:81\r\n")


def test_options_of_the_whole_server(front: Front) -> None:
    assert body_of(front.exchange(request("OPTIONS * HTTP/1.1"))).startswith(b"OPTIONS * HTTP/1.1\r\n")


def test_request_headers_keep_order_and_repetitions(front: Front) -> None:
    seen = body_of(
        front.exchange(request("GET / HTTP/1.1", "X-B: 1", "Cookie: a=1", "X-A: 2", "X-B: 3", "Cookie: b=2; c=\xe4"))
    )
    assert head_values(seen, "x-b") == ["1", "3"]
    assert head_values(seen, "cookie") == ["a=1", "b=2; c=\xc3\xa4"]
    assert seen.index(b"X-B: 1") < seen.index(b"X-A: 2") < seen.index(b"X-B: 3")


def test_hop_by_hop_headers_stay_here(front: Front) -> None:
    sent = ("Keep-Alive: 5", "TE: trailers", "Proxy-Authorization: x", "Upgrade: h2c", "X-Named: 1", "X-Kept: 2")
    message = request("GET / HTTP/1.1", *sent).replace(b"Connection: close", b"Connection: close, x-named, upgrade")
    with front.connect() as sock:
        sock.sendall(message)
        seen = b""
        while b"X-Kept" not in seen:
            seen += sock.recv(65536)
    for name in ("keep-alive", "te", "proxy-authorization", "upgrade", "x-named", "connection"):
        assert head_values(body_of(seen), name) == [], name


def test_response_headers_keep_order_repetitions_and_case(front: Front, origin: Origin) -> None:
    def script(connection: OriginConnection) -> None:
        connection.read_head()
        connection.answer(
            b"x", "Set-Cookie: a=1; Path=/", "X-camelCase: \xe4", "Set-Cookie: b=2, c", "Keep-Alive: timeout=5",
            "Connection: X-Named", "X-Named: 1",
        )  # fmt: skip

    origin.script = script
    head = front.exchange(request("GET / HTTP/1.1")).partition(b"\r\n\r\n")[0].decode("latin-1")
    own = head.split("\r\n")[4:]  # the status line and gunicorn's Server, Date and Connection come first
    assert own == ["Set-Cookie: a=1; Path=/", "X-camelCase: \xe4", "Set-Cookie: b=2, c", "Content-Length: 1"]


def test_status_and_reason_are_passed_on(front: Front, origin: Origin) -> None:
    origin.script = lambda connection: (connection.read_head(), connection.answer(status="418 I'm a Teapot, honest"))
    assert front.exchange(request("GET / HTTP/1.1")).startswith(b"HTTP/1.1 418 I'm a Teapot, honest\r\n")


def test_who_is_forwarded_for(front: Front) -> None:
    claims = (
        "X-Forwarded-For: 6.6.6.6",
        "Forwarded: for=6.6.6.6",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: evil",
    )
    seen = body_of(front.exchange(request("GET / HTTP/1.1", *claims)))
    assert head_values(seen, "x-forwarded-for") == ["127.0.0.1"]
    assert head_values(seen, "x-forwarded-host") == ["shop.example"]
    assert head_values(seen, "x-forwarded-port") == [str(front.port)]
    assert head_values(seen, "forwarded")[0].startswith("for=127.0.0.1;proto=")
    assert b"6.6.6.6" not in seen
    assert head_values(seen, "host") == ["shop.example"]


def test_trusted_hops_keep_their_part_of_the_chain(make_front: FrontMaker, origin: Origin) -> None:
    front = make_front(origin.url, CUTOVER_TRUSTED_HOPS="1", CUTOVER_PRESERVE_HOST="no")
    claims = ("X-Forwarded-For: 6.6.6.6, 10.0.0.7", "Forwarded: for=6.6.6.6, for=10.0.0.7", "X-Forwarded-Host: public")
    seen = body_of(front.exchange(request("GET / HTTP/1.1", *claims)))
    assert head_values(seen, "x-forwarded-for") == ["10.0.0.7, 127.0.0.1"]
    assert head_values(seen, "forwarded") == ["for=10.0.0.7, for=127.0.0.1;proto=http;host=shop.example"]
    assert head_values(seen, "x-forwarded-host") == ["public"]
    assert head_values(seen, "host") == [f"127.0.0.1:{origin.port}"]
    native = front.exchange(request("GET /native/x HTTP/1.1", *claims))
    assert b'"REMOTE_ADDR": "10.0.0.7"' in native


def test_a_body_with_a_length(front: Front) -> None:
    seen = body_of(front.exchange(request("POST / HTTP/1.1", "Content-Length: 5", body=b"hello")))
    assert seen.endswith(b"\r\n\r\nhello")
    assert head_values(seen, "content-length") == ["5"]


def test_an_empty_body_with_a_length(front: Front) -> None:
    assert head_values(body_of(front.exchange(request("POST / HTTP/1.1", "Content-Length: 0"))), "content-length") == [
        "0"
    ]


def test_a_large_body_arrives_whole(front: Front) -> None:
    payload = bytes(range(256)) * 4096
    answer = front.request("PUT", "/", payload)
    assert answer.read().endswith(payload)


def read_chunks(connection: OriginConnection) -> list[bytes]:
    chunks = []
    while size := int(connection.read_until(b"\r\n"), 16):
        chunks.append(connection.read_exactly(size))
        connection.read_until(b"\r\n")
    connection.read_until(b"\r\n")
    return chunks


def test_a_chunked_body_stays_chunked(front: Front, origin: Origin) -> None:
    def script(connection: OriginConnection) -> None:
        head = connection.read_head()
        assert head_values(head, "transfer-encoding") == ["chunked"]
        assert head_values(head, "content-length") == []
        connection.answer(b"|".join(read_chunks(connection)))

    origin.script = script
    chunked = b"3;ext=1\r\nabc\r\n5\r\ndefgh\r\n0\r\nX-Trailer: 1\r\n\r\n"
    answer = front.exchange(request("POST / HTTP/1.1", "Transfer-Encoding: chunked", body=chunked))
    assert body_of(answer).replace(b"|", b"") == b"abcdefgh"


def test_chunks_are_forwarded_as_they_come(front: Front, origin: Origin) -> None:
    arrived = threading.Event()

    def script(connection: OriginConnection) -> None:
        connection.read_until(b"first")
        arrived.set()
        connection.read_until(b"second\r\n0\r\n\r\n")
        connection.answer()

    origin.script = script
    with front.connect() as sock:
        sock.sendall(request("POST / HTTP/1.1", "Transfer-Encoding: chunked", body=b"5\r\nfirst\r\n"))
        assert arrived.wait(WAIT)
        sock.sendall(b"6\r\nsecond\r\n0\r\n\r\n")
        assert sock.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: 1\r\n\r\n", b"abcde"),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
         b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", b""),
    ],
    ids=["chunked", "until close", "HTTP/1.0", "interim answers", "no reason"],
)  # fmt: skip
def test_framings_of_answers(front: Front, origin: Origin, answer: bytes, body: bytes) -> None:
    origin.script = lambda connection: (connection.read_head(), connection.send(answer))
    response = front.request("GET", "/")
    assert (response.status, response.read()) == (200, body)
    assert response.getheader("Link") is None


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_answers_without_a_body(front: Front, origin: Origin, status: str) -> None:
    def script(connection: OriginConnection) -> None:
        while connection.read_head():
            connection.send(f"HTTP/1.1 {status}\r\nETag: x\r\n\r\n".encode())

    origin.script = script
    with front.connect() as sock:
        for _ in range(2):  # the second one shows that nothing of the first was left over
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = sock.recv(65536)
            assert answer.startswith(f"HTTP/1.1 {status}\r\n".encode())
            assert answer.endswith(b"\r\n\r\n")


def test_head_has_the_length_but_no_body(front: Front, origin: Origin) -> None:
    def script(connection: OriginConnection) -> None:
        while connection.read_head():
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")

    origin.script = script
    for _ in range(2):
        response = front.request("HEAD", "/")
        assert (response.status, response.getheader("Content-Length"), response.read()) == (200, "1000", b"")


def test_expect_100_continue(front: Front, origin: Origin) -> None:
    with front.connect() as sock:
        sock.sendall(request("POST / HTTP/1.1", "Content-Length: 5", "Expect: 100-continue"))
        assert sock.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"hello")
        answer = sock.makefile("rb").read()
    assert answer.endswith(b"hello")
    assert head_values(body_of(answer), "expect") == []


def test_connect_is_refused(front: Front) -> None:
    assert front.exchange(request("CONNECT other.example:443 HTTP/1.1")).startswith(b"HTTP/1.1 501 ")


def test_connections_to_the_origin_are_kept(front: Front, origin: Origin) -> None:
    front.request("GET", "/first").read()
    before = origin.accepted
    for number in range(5):
        assert front.request("GET" if number % 2 else "POST", "/again").status == 200
    assert origin.accepted == before


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO as Linux has it")
def test_a_small_answer_reaches_the_client_as_one_packet(front: Front) -> None:
    with front.connect() as sock:
        for answers in (1, 2):
            sock.sendall(b"GET /small HTTP/1.1\r\nHost: shop.example\r\n\r\n")
            received = b""
            while not received.endswith(b"\r\n\r\n") or received.count(b"\r\n\r\n") < 2:  # the origin echoes the head
                received += sock.recv(65536)
            assert _data_segments_received(sock) == answers


def _data_segments_received(sock: socket.socket) -> int:
    information = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    segments: int = struct.unpack_from("=I", information, 152)[0]  # tcpi_data_segs_in
    return segments
