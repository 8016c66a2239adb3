"""gunicorn in front of an origin, as in production: threaded workers, real sockets."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[3]
WAIT = 10.0


class Front:
    """A gunicorn that serves ``app``; its listening socket is made here, so it can be connected to at once."""

    def __init__(self, app: str, environ: dict[str, str], *options: str, log: Path) -> None:
        self.log = log
        with socket.create_server(("127.0.0.1", 0), backlog=128) as listener, log.open("wb") as output:
            self.port = listener.getsockname()[1]
            os.set_inheritable(listener.fileno(), True)
            arguments = [
                f"--bind=fd://{listener.fileno()}",
                "--worker-class=gthread",
                "--threads=8",
                "--no-control-socket",
            ]
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", *arguments, "--graceful-timeout", "1", *options, app],
                cwd=ROOT,
                env={**os.environ, **environ},
                pass_fds=(listener.fileno(),),
                stdout=output,
                stderr=output,
            )

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), WAIT)

    def exchange(self, request: bytes) -> bytes:
        """Send ``request`` and read until the connection ends; it should ask for that."""
        with self.connect() as sock:
            sock.sendall(request)
            return read_all(sock)

    def request(
        self, method: str, target: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> http.client.HTTPResponse:
        """One exchange on a connection of its own; the answer's body is still to be read."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT)
        connection.request(method, target, body, headers or {})
        return connection.getresponse()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(WAIT)


def read_all(sock: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while data := sock.recv(65536):
            received += data
    return received
