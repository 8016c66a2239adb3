"""WebSockets: the handshake is forwarded, then bytes are passed both ways until either side ends."""

from __future__ import annotations

import select
import socket
import ssl
from http import HTTPStatus

from migration.proxy.answer import Answer
from migration.proxy.client import ClientRequest
from migration.proxy.errors import UnsupportedRequestError
from migration.proxy.exchange import Exchange
from migration.proxy.forwarding import Forwarder
from migration.proxy.headers import end_to_end

_BUFFER = 64 * 1024
_UPGRADE = (("Connection", "Upgrade"), ("Upgrade", "websocket"))


def forward_websocket(forwarder: Forwarder, request: ClientRequest) -> Answer | None:
    """Forward a WebSocket handshake; if the upstream agrees, stay until the WebSocket ends and return None.

    An :class:`Answer` is the upstream's refusal. Needs the client's socket, which gunicorn's threaded workers show.
    Raises :class:`~migration.proxy.errors.ForwardingError` as long as there is no answer.
    """
    if request.sock is None:
        raise UnsupportedRequestError(
            "This server does not let WebSockets through; run it under gunicorn with gthread."
        )
    connection = forwarder.pool.connect()
    exchange = Exchange(connection, request.method)
    try:
        exchange.send(forwarder.request_head(request, *_UPGRADE), request.body)
        exchange.read_head()
        if exchange.parser.status != HTTPStatus.SWITCHING_PROTOCOLS:
            return Answer(exchange, request, forwarder.pool, forwarder.settings)
        head = _switching_head(exchange)
    except BaseException:
        connection.close()
        raise
    try:
        Tunnel(request.sock, connection.sock, forwarder.settings.stream_timeout).run(
            to_client=head + exchange.parser.rest
        )
    finally:
        connection.close()
    return None


def _switching_head(exchange: Exchange) -> bytes:
    parser = exchange.parser
    headers = [*_UPGRADE, *end_to_end(parser.headers)]
    lines = [f"HTTP/1.1 {parser.status} {parser.reason}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class _End:
    """One end of a tunnel, with the bytes that wait to be sent to it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.outgoing = b""
        self.ended = False

    def receive(self) -> bytes | None:
        """What has arrived, ``b""`` at the end, None if there is nothing after all (TLS records without content)."""
        try:
            return self.sock.recv(_BUFFER)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except OSError:
            return b""

    def flush(self) -> None:
        """Send what can be sent now."""
        try:
            self.outgoing = self.outgoing[self.sock.send(self.outgoing) :]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            self.outgoing = b""
            self.ended = True

    def has_pending(self) -> bool:
        return isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0


class Tunnel:
    """Passes bytes between two sockets. Each direction holds back the sender while its buffer is full."""

    def __init__(self, client: socket.socket, upstream: socket.socket, idle_timeout: float) -> None:
        self._client = _End(client)
        self._upstream = _End(upstream)
        self._idle_timeout = idle_timeout

    def run(self, to_client: bytes) -> None:
        """Send ``to_client`` first. Return after a long silence, or when an end has closed and the other has it all."""
        self._client.outgoing = to_client
        ends = (self._client, self._upstream)
        for end in ends:
            end.sock.setblocking(False)
        while not self._finished():
            ready = self._wait(ends)
            if not ready:
                return
            for end, other in ((self._client, self._upstream), (self._upstream, self._client)):
                events = ready.get(end.sock.fileno(), 0)
                if events & select.POLLOUT:
                    end.flush()
                if events & ~select.POLLOUT and not other.outgoing and not end.ended:
                    received = end.receive()
                    end.ended = received == b""
                    other.outgoing = received or b""
        for end in ends:
            end.sock.setblocking(True)

    def _finished(self) -> bool:
        """Whether an end has closed and nothing of its bytes waits to be sent on."""
        client, upstream = self._client, self._upstream
        return (client.ended and not upstream.outgoing) or (upstream.ended and not client.outgoing)

    def _wait(self, ends: tuple[_End, _End]) -> dict[int, int]:
        """Which descriptors can be used, and for what; empty after the idle timeout."""
        client, upstream = ends
        waiting = select.poll()
        ready = {}
        for end, other in ((client, upstream), (upstream, client)):
            wanted = (select.POLLOUT if end.outgoing else 0) | (0 if other.outgoing or end.ended else select.POLLIN)
            if wanted & select.POLLIN and end.has_pending():
                ready[end.sock.fileno()] = select.POLLIN
            if wanted:
                waiting.register(end.sock, wanted)
        return ready or dict(waiting.poll(self._idle_timeout * 1000))
