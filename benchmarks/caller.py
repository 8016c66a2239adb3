"""The smallest client there can be: one kept-alive connection, requests that are bytes already."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from types import TracebackType
from typing import Self

_ANSWER_SECONDS = 60.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def get(target: str, *headers: str) -> bytes:
    """A GET request for ``target``."""
    return message("GET", target, headers, b"")


def post(target: str, body: bytes, *headers: str) -> bytes:
    """A POST request with a JSON ``body``."""
    return message("POST", target, ("Content-Type: application/json", f"Content-Length: {len(body)}", *headers), body)


def message(method: str, target: str, headers: Iterable[str], body: bytes) -> bytes:
    """A request in HTTP/1.1, as it goes over the wire."""
    lines = (f"{method} {target} HTTP/1.1", "Host: benchmark", "Accept: */*", *headers)
    return "\r\n".join((*lines, "", "")).encode() + body


def head_of(received: bytes | bytearray) -> tuple[int, int] | None:
    """The status of an answer and its size in bytes, as its head says; None while the head is not whole."""
    head, end, _ = received.partition(b"\r\n\r\n")
    if not end:
        return None
    length = _LENGTH.search(head)
    return int(head[9:12]), len(head) + len(end) + (int(length[1]) if length else 0)


class Caller:
    """Calls one server on 127.0.0.1, whose answers must have a Content-Length, over one connection."""

    def __init__(self, port: int, patience: float = _ANSWER_SECONDS) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), patience)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def socket(self) -> socket.socket:
        """The connection, for those who wait for several."""
        return self._sock

    def send(self, request: bytes) -> None:
        self._sock.sendall(request)

    def receive(self) -> tuple[int, bytes]:
        """Status and body of the next answer. Raises :class:`ConnectionError` where it is not whole."""
        received = bytearray()
        while (head := head_of(received)) is None:
            received += self._more()
        status, size = head
        while len(received) < size:
            received += self._more()
        return status, bytes(received.partition(b"\r\n\r\n")[2])

    def call(self, request: bytes) -> tuple[int, bytes]:
        self.send(request)
        return self.receive()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._sock.close()

    def _more(self) -> bytes:
        data = self._sock.recv(65536)
        if not data:
            raise ConnectionError("The server closed the connection.")
        return data
