"""Sending one request over a connection while listening for an answer that comes early."""

from __future__ import annotations

from http import HTTPStatus

from migration.proxy.body import RequestBody
from migration.proxy.connection import Connection
from migration.proxy.errors import UpstreamClosedError, UpstreamInvalidError
from migration.proxy.response import ResponseParser

_LAST_CHUNK = b"0\r\n\r\n"


class Exchange:
    """``parser`` holds the answer's head, ``piece`` what has come of its body so far.

    ``whole`` is False when the request was not sent to its end: the connection can't be used again.
    """

    __slots__ = ("_heard", "connection", "parser", "piece", "whole")

    def __init__(self, connection: Connection, method: str) -> None:
        self.connection = connection
        self.parser = ResponseParser(method)
        self.piece = b""
        self.whole = True
        self._heard = False

    def send(self, head: bytes, body: RequestBody | None) -> None:
        """Send the request, or as much of it as the upstream takes before it answers with a refusal."""
        try:
            if body is None:
                self.connection.send(head)
            else:
                self.whole = self._send_streaming(head, body)
        except UpstreamClosedError:
            self.whole = False  # it may have said why before it closed: read_head finds out

    def read_head(self) -> None:
        """Wait for the head of the answer."""
        while not self.parser.status:
            self._hear()

    def _send_streaming(self, unsent: bytes, body: RequestBody) -> bool:
        chunked = body.length is None
        for piece in body:
            framed = b"%s%x\r\n%s\r\n" % (unsent, len(piece), piece) if chunked else unsent + piece
            unsent = b""
            if not self._send_listening(framed):
                return False
        return self._send_listening(unsent + (_LAST_CHUNK if chunked else b""))

    def _send_listening(self, data: bytes) -> bool:
        """Send ``data``; False if the upstream refused the request in the meantime.

        An early success is no reason to stop: the upstream answers while it reads. TLS connections are not listened
        to, as they become readable for reasons of their own.
        """
        rest = memoryview(data)
        while rest:
            if self.parser.status or self.connection.encrypted:
                self.connection.send(rest)
                break
            rest = self.connection.send_unless_heard(rest)
            if rest:
                self._hear()
                if self.parser.status >= HTTPStatus.MULTIPLE_CHOICES:
                    return False
        return True

    def _hear(self) -> None:
        try:
            data = self.connection.receive()
        except UpstreamClosedError:
            data = b""
        if data:
            self._heard = True
            self.piece += self.parser.feed(data)
        elif self._heard:
            raise UpstreamInvalidError("The upstream's answer broke off in its head.")
        else:
            raise UpstreamClosedError("The upstream closed the connection without an answer.")
