"""The upstream's answer on its way to the client."""

from __future__ import annotations

import logging
import select
from collections.abc import Iterator
from typing import Self

from migration.proxy.client import ClientRequest
from migration.proxy.errors import BrokenAnswerError, ForwardingError
from migration.proxy.exchange import Exchange
from migration.proxy.figures import BROKEN_ANSWER
from migration.proxy.headers import HeaderList, end_to_end
from migration.proxy.pool import ConnectionPool
from migration.proxy.settings import ProxySettings

log = logging.getLogger(__name__)

#: How long the rest of an upload is waited for after the upstream has refused it, in seconds.
_LINGER = 2.0


class Answer(Iterator[bytes]):
    """``status`` is the status line's code and reason, ``headers`` the end-to-end ones in the upstream's order.

    Iterating yields the body as it comes. The first piece may be empty: it makes the server send the head. Raises
    :class:`BrokenAnswerError` if the body breaks off. :meth:`close` must be called in the end; until the body is
    complete it breaks the connection to the upstream.
    """

    def __init__(
        self, exchange: Exchange, request: ClientRequest, pool: ConnectionPool, settings: ProxySettings
    ) -> None:
        self.status = f"{exchange.parser.status} {exchange.parser.reason}"
        self.headers: HeaderList = end_to_end(exchange.parser.headers)
        self._exchange = exchange
        self._request = request
        self._pool = pool
        self._settings = settings
        self._piece: bytes | None = exchange.piece
        self._released = False
        self._is_event_stream = False
        if exchange.parser.complete:
            self._release()
            if exchange.piece:
                request.send_head_with_body()
        else:
            # An answer that is here whole fits what the kernel takes at once.
            request.bound_waits(settings.client_timeout)
            self._is_event_stream = any(
                name.lower() == "content-type" and value.lower().startswith("text/event-stream")
                for name, value in self.headers
            )

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        piece, self._piece = self._piece, None
        while piece is None or (not piece and self._released):
            if self._released:
                raise StopIteration
            piece = self._receive() or None
        return piece

    def close(self) -> None:
        if not self._released:
            self._released = True
            self._exchange.connection.close()
        body = self._request.body
        if body is not None and not self._exchange.whole:
            self._request.bound_waits(_LINGER)
            body.discard(_LINGER)

    def _receive(self) -> bytes:
        """The next bytes of the body, ``b""`` for bytes that only frame it."""
        exchange = self._exchange
        try:
            if self._is_event_stream:
                self._await_event()
            data = exchange.connection.receive()
            piece = exchange.parser.feed(data) if data else b""
        except ForwardingError as error:
            raise self._broken(str(error)) from error
        if not data and not exchange.parser.end():
            raise self._broken("The upstream closed the connection in the middle of its answer.")
        if exchange.parser.complete:
            self._release()
        return piece

    def _await_event(self) -> None:
        """Wait for the next event as long as the client is there: it may take hours, and holds a thread."""
        connection, client = self._exchange.connection, self._request.sock
        if connection.has_pending():
            return
        waiting = select.poll()
        waiting.register(connection.sock, select.POLLIN)
        if client is not None:
            waiting.register(client, select.POLLRDHUP)
        ready = waiting.poll(self._settings.stream_timeout * 1000)
        if not ready:
            raise self._broken("The event stream was silent for too long.")
        if all(descriptor != connection.sock.fileno() for descriptor, _ in ready):
            self.close()
            raise BrokenAnswerError("The client has left the event stream.")

    def _release(self) -> None:
        self._released = True
        exchange = self._exchange
        if exchange.whole and exchange.parser.reusable:
            self._pool.give_back(exchange.connection)
        else:
            exchange.connection.close()

    def _broken(self, reason: str) -> BrokenAnswerError:
        self.close()
        self._pool.figures.failed(BROKEN_ANSWER)
        request = self._request
        log.warning("%s %s: %s", request.method, request.target.partition("?")[0], reason)
        if request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
            request.reset_connection()
        return BrokenAnswerError(reason)
