"""Bytes pass as they come, in bounded memory, and nobody waits for somebody else."""

from __future__ import annotations

import threading
import time

import psutil
import pytest
from front import WAIT, Front
from origin import Origin, OriginConnection

from tests.migration.proxy.conftest import FrontMaker

MEGABYTE = 1024 * 1024
SIZE = 100 * MEGABYTE
EVENT_STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_events_pass_as_they_come(front: Front, origin: Origin) -> None:
    proceed = threading.Event()

    def script(connection: OriginConnection) -> None:
        connection.read_head()
        connection.send(EVENT_STREAM)
        for event in (b"data: 1\n\n", b"data: 2\n\n"):
            proceed.wait(WAIT)
            proceed.clear()
            connection.send(b"%x\r\n%s\r\n" % (len(event), event))
        connection.send(b"0\r\n\r\n")

    origin.script = script
    response = front.request("GET", "/events")
    assert response.getheader("Content-Type") == "text/event-stream"  # the head came before any event
    for expected in (b"data: 1\n", b"data: 2\n"):
        proceed.set()
        assert response.readline() == expected
        assert response.readline() == b"\n"
    assert response.read() == b""


def test_an_event_stream_without_a_listener_is_ended(front: Front, origin: Origin) -> None:
    ended = threading.Event()

    def script(connection: OriginConnection) -> None:
        connection.read_head()
        connection.send(EVENT_STREAM)
        if connection.is_closed_by_peer():
            ended.set()

    origin.script = script
    with front.connect() as sock:
        sock.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(65536).startswith(b"HTTP/1.1 200")
    assert ended.wait(WAIT)


def test_a_silent_event_stream_is_ended(make_front: FrontMaker) -> None:
    def script(connection: OriginConnection) -> None:
        connection.read_head()
        connection.send(EVENT_STREAM + b"3\r\nabc\r\n")
        connection.is_closed_by_peer()

    with Origin(script) as origin:
        front = make_front(origin.url, CUTOVER_STREAM_TIMEOUT="0.3")
        answer = front.exchange(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.endswith(b"3\r\nabc\r\n")


@pytest.fixture
def small_front(make_front: FrontMaker, origin: Origin) -> Front:
    return make_front(origin.url, "--threads=2")


def worker_of(front: Front) -> psutil.Process:
    front.request("GET", "/native/warm").read()
    return psutil.Process(front.process.pid).children()[0]


def high_water(process: psutil.Process) -> int:
    """The most memory that ``process`` has ever had resident, in bytes."""
    with open(f"/proc/{process.pid}/status") as status:  # noqa: PTH123
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_large_download_needs_no_memory(small_front: Front, origin: Origin, framing: str) -> None:
    block = b"x" * MEGABYTE

    def script(connection: OriginConnection) -> None:
        connection.read_head()
        chunked = framing == "chunked"
        length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % SIZE
        connection.send(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n")
        for _ in range(SIZE // MEGABYTE):
            connection.send(b"%x\r\n%s\r\n" % (MEGABYTE, block) if chunked else block)
        if chunked:
            connection.send(b"0\r\n\r\n")

    worker = worker_of(small_front)
    before = high_water(worker)
    origin.script = script
    response = small_front.request("GET", "/large")
    received = 0
    while piece := response.read(MEGABYTE):
        received += len(piece)
    assert received == SIZE
    assert high_water(worker) - before < 16 * MEGABYTE


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_large_upload_needs_no_memory(small_front: Front, origin: Origin, framing: str) -> None:
    block = b"x" * MEGABYTE

    def script(connection: OriginConnection) -> None:
        connection.read_head()
        received = 0
        while framing == "chunked":
            size = int(connection.read_until(b"\r\n"), 16)
            received += len(connection.read_exactly(size))
            connection.read_until(b"\r\n")
            if not size:
                break
        while framing == "length" and received < SIZE:
            received += len(connection.read_exactly(MEGABYTE))
        connection.answer(str(received).encode())

    worker = worker_of(small_front)
    before = high_water(worker)
    origin.script = script
    with small_front.connect() as sock:
        chunked = framing == "chunked"
        length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % SIZE
        sock.sendall(b"POST /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + length + b"\r\n\r\n")
        for _ in range(SIZE // MEGABYTE):
            sock.sendall(b"%x\r\n%s\r\n" % (MEGABYTE, block) if chunked else block)
        if chunked:
            sock.sendall(b"0\r\n\r\n")
        answer = sock.makefile("rb").read()
    assert answer.endswith(b"\r\n\r\n%d" % SIZE)
    assert high_water(worker) - before < 16 * MEGABYTE


def test_slow_clients_do_not_hold_up_others(front: Front, origin: Origin) -> None:
    slow = [front.connect() for _ in range(6)]
    for sock in slow:
        sock.sendall(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
    started = time.monotonic()
    assert front.request("GET", "/quick").status == 200
    assert time.monotonic() - started < 2.0
    for sock in slow:
        sock.close()
