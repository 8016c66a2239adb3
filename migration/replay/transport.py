"""Sending one request to a side over HTTP/1.1, its target byte for byte as it was recorded."""

from __future__ import annotations

import http.client
import select
import socket
import ssl
import threading
import time
from urllib.parse import urlsplit

from migration.recording.exchange import Request, Response, header
from migration.replay.rewriting import headers_to_send


class NoAnswerError(Exception):
    """A side gave no (whole) answer; the text says why."""


class _RawTarget:
    """Sends request targets unchecked: a replay must be able to send what a caller once sent."""

    def _validate_path(self, url: str) -> None:
        pass

    def _encode_request(self, request: str) -> bytes:
        return request.encode("latin-1")


class _Plain(_RawTarget, http.client.HTTPConnection):
    pass


class _Secure(_RawTarget, http.client.HTTPSConnection):
    pass


class Client:
    """A client of one side, with a kept-alive connection for each thread. ``timeout`` is in seconds."""

    def __init__(self, base_url: str, timeout: float = 30.0) -> None:
        parts = urlsplit(base_url)
        if parts.hostname is None:
            raise ValueError(f"{base_url!r} has no host")
        self.base_url = base_url.rstrip("/")
        self._host, self._port, self._secure = parts.hostname, parts.port, parts.scheme == "https"
        self._prefix = parts.path.rstrip("/")
        self._timeout = timeout
        self._local = threading.local()

    def send(self, request: Request) -> Response:
        """Send ``request`` once and read the whole answer. Raises :class:`NoAnswerError`."""
        connection = self._connection()
        started = time.perf_counter()
        try:
            connection.putrequest(
                request.method,
                self._prefix + request.target,
                skip_host=header(request.headers, "host") is not None,
                skip_accept_encoding=True,
            )
            for name, value in headers_to_send(request.headers):
                connection.putheader(name, value.encode("utf-8", "surrogateescape"))
            if request.body or request.method in ("POST", "PUT", "PATCH"):
                connection.putheader("Content-Length", str(len(request.body)))
            self._transmit(connection, request.body)
            answer = connection.getresponse()
            body = answer.read()
        except TimeoutError as error:
            self._forget()
            raise NoAnswerError(f"no answer within {self._timeout:g} s") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._forget()
            raise NoAnswerError(f"{type(error).__name__}: {error}") from error
        elapsed_ms = (time.perf_counter() - started) * 1000.0
        if answer.will_close:
            self._forget()
        return Response(answer.status, tuple(answer.getheaders()), body, elapsed_ms)

    def _transmit(self, connection: http.client.HTTPConnection, body: bytes) -> None:
        """Send head and body; a server that refuses a large body may answer before it has read it all."""
        connection.endheaders()
        try:
            connection.send(body)
        except (BrokenPipeError, ConnectionResetError):
            if not _has_answer(connection.sock):
                raise

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is not None and connection.sock is not None and not _has_answer(connection.sock):
            return connection
        self._forget()
        if self._secure:
            connection = _Secure(self._host, self._port, timeout=self._timeout, context=ssl.create_default_context())
        else:
            connection = _Plain(self._host, self._port, timeout=self._timeout)
        self._local.connection = connection
        return connection

    def _forget(self) -> None:
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def check(self) -> None:
        """Raise :class:`NoAnswerError` unless something listens there."""
        try:
            port = self._port or (443 if self._secure else 80)
            socket.create_connection((self._host, port), timeout=min(self._timeout, 5.0)).close()
        except OSError as error:
            raise NoAnswerError(f"{self.base_url} can't be reached: {error.strerror or error}") from error


def _has_answer(sock: socket.socket) -> bool:
    """Whether bytes (or the end of the connection) wait to be read."""
    readable, _, _ = select.select([sock], [], [], 0)
    return bool(readable)
