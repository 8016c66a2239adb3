"""Origins made of raw sockets, so that a test decides about every byte."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

WAIT = 10.0


class OriginConnection:
    """One connection that the origin accepted."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.settimeout(WAIT)
        self.buffer = b""

    def read_head(self) -> bytes:
        """The next head with its empty line, ``b""`` when the other end closed instead."""
        return self.read_until(b"\r\n\r\n")

    def read_until(self, mark: bytes) -> bytes:
        while mark not in self.buffer:
            data = self.sock.recv(65536)
            if not data:
                return b""
            self.buffer += data
        found, _, self.buffer = self.buffer.partition(mark)
        return found + mark

    def read_exactly(self, size: int) -> bytes:
        """Up to ``size`` bytes; fewer when the other end closed before."""
        while len(self.buffer) < size:
            data = self.sock.recv(65536)
            if not data:
                break
            self.buffer += data
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def read_to_end(self) -> bytes:
        while data := self.sock.recv(65536):
            self.buffer += data
        return self.buffer

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def answer(self, body: bytes = b"ok", *headers: str, status: str = "200 OK") -> None:
        lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def is_closed_by_peer(self) -> bool:
        try:
            return self.sock.recv(1) == b""
        except ConnectionResetError:
            return True


Script = Callable[[OriginConnection], object]


def serve_simply(connection: OriginConnection) -> None:
    """Answer every request on the connection with its own head as the body; bodies must have a Content-Length."""
    while head := connection.read_head():
        length = int((head_values(head, "content-length") or ["0"])[0])
        connection.answer(head + connection.read_exactly(length))


def head_values(head: bytes, name: str) -> list[str]:
    """The values of header ``name`` in ``head``, in order."""
    pairs = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    return [value.strip() for key, _, value in pairs if key.lower() == name]


class Origin:
    """Listens on 127.0.0.1; runs ``script`` in a thread for each connection and closes it after."""

    def __init__(self, script: Script = serve_simply, port: int = 0) -> None:
        self.script = script
        self.accepted = 0
        self.failures: list[BaseException] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """Stop listening and cut all connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """End all connections, so that the proxy has none in its pool that still follows an older script."""
        for sock in list(self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.accepted += 1
                self._open.add(sock)
                threading.Thread(target=self._run, args=(sock,), daemon=True).start()

    def _run(self, sock: socket.socket) -> None:
        try:
            self.script(OriginConnection(sock))
        except OSError as error:
            self.failures.append(error)
        finally:
            self._open.discard(sock)
            sock.close()
