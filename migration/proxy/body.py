"""The body of a request, read piece by piece as the client sends it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from migration.proxy.errors import ClientTimeoutError, IncompleteRequestError, UnsupportedRequestError

PIECE = 64 * 1024


class RequestBody:
    """``length`` is the announced size in bytes, None for a chunked body.

    Iterating yields pieces that are never empty, and goes on where an earlier iteration stopped. It raises
    :class:`IncompleteRequestError` when the client ends before the announced size, :class:`ClientTimeoutError` when
    it is silent for too long, and whatever the server raises for a chunked body that is not well-formed: the server
    then answers that itself, and ends the connection.
    """

    def __init__(self, stream: Any, length: int | None, tap: Callable[[bytes], None] | None = None) -> None:
        self._stream = stream
        self._tap = tap
        self._pieces = self._read()
        self.length = length

    def tapped(self, tap: Callable[[bytes], None]) -> RequestBody:
        """The same body, of which ``tap`` is shown every piece that is read."""
        return RequestBody(self._stream, self.length, tap)

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def discard(self, seconds: float) -> None:
        """Read and forget the rest of the body, as far as it comes within ``seconds``.

        A connection that is closed while the client still sends is reset, and the client may lose the answer by it.
        """
        deadline = time.monotonic() + seconds
        with contextlib.suppress(Exception):  # the answer has been given: what is wrong with the rest is of no interest
            for _ in self._pieces:
                if time.monotonic() > deadline:
                    break

    def _read(self) -> Iterator[bytes]:
        try:
            for piece in self._sized(self.length) if self.length is not None else self._chunked():
                if self._tap is not None:
                    self._tap(piece)
                yield piece
        except TimeoutError as error:
            raise ClientTimeoutError("The rest of the request did not arrive in time.") from error
        except OSError as error:
            raise IncompleteRequestError("The connection broke in the middle of the request.") from error

    def _sized(self, missing: int) -> Iterator[bytes]:
        while missing:
            piece = self._stream.read(min(PIECE, missing))
            if not piece:
                raise IncompleteRequestError("The request's body is shorter than its Content-Length.")
            missing -= len(piece)
            yield piece

    def _chunked(self) -> Iterator[bytes]:
        parser = getattr(getattr(self._stream, "reader", None), "parser", None)
        if parser is None:
            yield from iter(lambda: self._stream.read(PIECE), b"")
            return
        # gunicorn's read() waits until it has as much as was asked for; its parser hands out what has arrived.
        try:
            yield from filter(None, parser)
        except BaseException:
            self._stream.failed = True  # where the next request would begin is unknown
            raise
        self._stream.reader.parser = None


def request_body(environ: dict[str, Any]) -> RequestBody | None:
    """The body that ``environ`` announces, None for a request without one."""
    coding = environ.get("HTTP_TRANSFER_ENCODING")
    if coding:
        if coding.strip().lower() != "chunked":
            raise UnsupportedRequestError(f"The transfer coding {coding!r} can't be forwarded.")
        return RequestBody(environ["wsgi.input"], None)
    length = int(environ.get("CONTENT_LENGTH") or 0)
    return RequestBody(environ["wsgi.input"], length) if length else None
