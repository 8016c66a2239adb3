"""Forwarding one request to the upstream and giving back its answer as a stream.

A request that may have had an effect is never sent twice. It is sent again only if its method is safe, it has no
body, and a connection that had been idle in the pool ended before any byte of an answer.
"""

from __future__ import annotations

from http import HTTPStatus

from migration.proxy.answer import Answer
from migration.proxy.body import PIECE, RequestBody
from migration.proxy.client import ClientRequest
from migration.proxy.connection import Connection, Upstream
from migration.proxy.errors import UpstreamClosedError, UpstreamInvalidError
from migration.proxy.exchange import Exchange
from migration.proxy.figures import ProxyFigures
from migration.proxy.headers import HeaderList, forwarded_headers, request_headers
from migration.proxy.pool import ConnectionPool
from migration.proxy.settings import ProxySettings

#: Where the request's id is in the environ, if it was given one here.
REQUEST_ID = "cutover.request_id"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Forwarder:
    """Forwards to one upstream, an ``http://`` or ``https://`` URL. Shared by threads, safe to fork."""

    def __init__(self, url: str, settings: ProxySettings, figures: ProxyFigures | None = None) -> None:
        self.settings = settings
        self.figures = figures or ProxyFigures("")
        self.upstream = Upstream.parse(url)
        self.pool = ConnectionPool(self.upstream, settings, self.figures)

    def forward(self, request: ClientRequest) -> Answer:
        """Send ``request`` and return the answer as soon as its head is there.

        Raises :class:`ForwardingError` as long as there is no answer.
        """
        head = self.request_head(request)
        body = request.body
        if body is not None:
            request.bound_waits(self.settings.client_timeout)
        if body is not None and body.length is not None and body.length <= PIECE:
            # A short body is read first: if it breaks off, the upstream hears nothing of it.
            head += b"".join(body)
            body = None
        repeatable = request.body is None and request.method in _SAFE_METHODS
        connection = self.pool.take(repeatable=repeatable)
        try:
            return self._exchange(connection, request, head, body)
        except UpstreamClosedError:
            if not (repeatable and connection.reused):
                raise
        self.figures.retried()
        return self._exchange(self.pool.connect(), request, head, body)

    def request_head(self, request: ClientRequest, *extra: tuple[str, str]) -> bytes:
        """The head of ``request`` as the upstream gets it, with ``extra`` headers at its end."""
        settings = self.settings
        host = request.host if settings.preserve_host and request.host else self.upstream.authority
        headers: HeaderList = [("Host", host), *request_headers(request.headers)]
        request_id = request.environ.get(REQUEST_ID)
        if request_id is not None:
            # Somebody further out has made sure that the request has one, in place of whatever the client sent.
            headers = [pair for pair in headers if pair[0].lower() != "x-request-id"]
            headers.append(("X-Request-ID", request_id))
        if request.body is not None:
            length = request.body.length
            headers.append(("Transfer-Encoding", "chunked") if length is None else ("Content-Length", str(length)))
        elif request.environ.get("CONTENT_LENGTH"):
            headers.append(("Content-Length", "0"))
        headers += forwarded_headers(request.environ, request.headers, settings.trusted_hops)
        headers += extra
        lines = [f"{request.method} {self.upstream.prefix}{request.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _exchange(
        self, connection: Connection, request: ClientRequest, head: bytes, body: RequestBody | None
    ) -> Answer:
        exchange = Exchange(connection, request.method)
        try:
            exchange.send(head, body)
            exchange.read_head()
        except BaseException:
            connection.close()
            raise
        if exchange.parser.status == HTTPStatus.SWITCHING_PROTOCOLS:
            connection.close()
            raise UpstreamInvalidError("The upstream switched to a protocol that nobody asked for.")
        return Answer(exchange, request, self.pool, self.settings)
