"""A reverse proxy that records what it forwards, as a WSGI application."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Self

from migration.proxy.answer import Answer
from migration.proxy.client import ClientRequest
from migration.proxy.errors import BrokenAnswerError, ForwardingError, UpstreamError
from migration.proxy.forwarding import Forwarder
from migration.proxy.headers import conventional_name
from migration.proxy.refusals import refuse
from migration.proxy.settings import ProxySettings
from migration.proxy.websocket import forward_websocket
from migration.recording.capture import CapturedBody
from migration.recording.entry import Captured, har_entry
from migration.recording.redaction import Redactor
from migration.recording.writer import HarWriter

log = logging.getLogger(__name__)


class Recorder:
    """Forwards to ``upstream`` and gives every exchange to ``writer`` when it is over.

    Of each body ``body_limit`` bytes are kept. ``redactor`` is None to keep secrets. WebSockets are forwarded, but
    not recorded. Entries come in the order in which exchanges end; ``_index`` counts them in the order of their start.
    """

    def __init__(self, upstream: str, writer: HarWriter, *, redactor: Redactor | None, body_limit: int) -> None:
        self._forwarder = Forwarder(upstream, ProxySettings())
        self._writer = writer
        self._redactor = redactor
        self._body_limit = body_limit
        self._indices = itertools.count()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request: ClientRequest | None = None
        exchange: _Exchange | None = None
        try:
            request = ClientRequest.from_wsgi(environ, start_response)
            if request.wants_websocket:
                answer = forward_websocket(self._forwarder, request)
                if answer is None:
                    raise StopIteration  # gunicorn's sign for a connection that the application has used up
                start_response(answer.status, answer.headers)
                return answer
            exchange = _Exchange(request, next(self._indices), self._body_limit)
            answer = self._forwarder.forward(exchange.request)
        except ForwardingError as error:
            if exchange is not None and isinstance(error, UpstreamError):
                self._write(exchange.unanswered(str(error)))
            return refuse(error, environ, start_response)
        start_response(answer.status, answer.headers)
        return _RecordedAnswer(answer, exchange, self._write)

    def _write(self, captured: Captured) -> None:
        try:
            self._writer.append(har_entry(captured, self._redactor))
        except OSError as error:
            log.error("An exchange could not be written to %s: %s", self._writer.path, error.strerror)  # noqa: TRY400


class _Exchange:
    """The request's half of an exchange, while it goes on."""

    def __init__(self, request: ClientRequest, index: int, body_limit: int) -> None:
        self.body_limit = body_limit
        self._index = index
        self._started = datetime.now(UTC)
        self._clock = time.perf_counter()
        self._body = CapturedBody(body_limit)
        tapped = request.body.tapped(self._body.feed) if request.body is not None else None
        self.request = dataclasses.replace(request, body=tapped)

    def unanswered(self, comment: str) -> Captured:
        return self._captured(status=0, comment=comment)

    def answered(self, answer: Answer, body: CapturedBody) -> Captured:
        status, _, reason = answer.status.partition(" ")
        return self._captured(
            status=int(status), reason=reason, response_headers=tuple(answer.headers), response_body=body
        )

    def _captured(self, **answer: Any) -> Captured:
        request = self.request
        environ = request.environ
        return Captured(
            index=self._index,
            started=self._started,
            elapsed_ms=(time.perf_counter() - self._clock) * 1000,
            method=request.method,
            url=f"{environ.get('wsgi.url_scheme', 'http')}://{request.host or 'localhost'}{request.target}",
            http_version=environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
            request_headers=tuple((conventional_name(name), value) for name, value in request.headers),
            request_body=self._body,
            **answer,
        )


class _RecordedAnswer(Iterator[bytes]):
    """An answer on its way to the client, kept in passing, and written when it is over."""

    def __init__(self, answer: Answer, exchange: _Exchange, write: Callable[[Captured], None]) -> None:
        self._answer = answer
        self._exchange = exchange
        self._write = write
        self._body = CapturedBody(exchange.body_limit)
        self._outcome: str | None = "The client left before the end of the answer."
        self._over = threading.Lock()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        try:
            piece = next(self._answer)
        except StopIteration:
            self._outcome = None
            raise
        except BrokenAnswerError as error:
            self._outcome = str(error.strerror)
            raise
        self._body.feed(piece)
        return piece

    def close(self) -> None:
        self._answer.close()
        if not self._over.acquire(blocking=False):
            return
        if self._outcome is None:
            self._write(self._exchange.answered(self._answer, self._body))
        else:
            self._write(self._exchange.unanswered(self._outcome))
