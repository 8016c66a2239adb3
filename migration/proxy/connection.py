"""One connection to the upstream: bytes out, bytes in, every wait bounded."""

from __future__ import annotations

import select
import socket
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from migration.proxy.errors import UpstreamClosedError, UpstreamTimeoutError, UpstreamUnreachableError
from migration.proxy.settings import ProxySettings, SettingsError

_READ_SIZE = 64 * 1024
#: How a blocking socket says that the kernel's timeout is over; TLS can't tell it from a record that is not whole.
_TIMED_OUT = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_NOT_TAKEN = "The upstream did not take the request in time."
_CLOSED = "The upstream closed the connection during the request."
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where to forward to. ``prefix`` is put before each request's target."""

    scheme: str
    host: str
    port: int
    prefix: str

    @classmethod
    def parse(cls, url: str) -> Upstream:
        """Read an ``http://`` or ``https://`` URL. Raises :class:`SettingsError`."""
        try:
            parts = urlsplit(url)
            port = parts.port or _DEFAULT_PORTS[parts.scheme]
            if not parts.hostname or parts.query or parts.fragment or parts.username:
                raise ValueError(url)  # noqa: TRY301
        except (ValueError, KeyError):
            raise SettingsError("The upstream must be a URL like http://127.0.0.1:5000.") from None
        return cls(parts.scheme, parts.hostname, port, parts.path.rstrip("/"))

    @property
    def authority(self) -> str:
        """What a ``Host`` header calls it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


class Connection:
    """A connected socket. Errors of the socket become :class:`~migration.proxy.errors.ForwardingError`.

    The socket blocks, with timeouts that the kernel keeps: Python's own cost a system call more for each operation.
    ``reused`` says whether the connection has carried an exchange before: only then can it have died of idleness.
    ``forget`` is told of the connection when it is closed.
    """

    __slots__ = ("_duplex", "_poll", "_write_timeout", "forget", "idle_since", "reused", "sock")

    def __init__(self, sock: socket.socket, settings: ProxySettings) -> None:
        sock.settimeout(None)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(settings.read_timeout))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(settings.write_timeout))
        self.sock = sock
        self.reused = False
        self.forget: Callable[[Connection], None] | None = None
        self.idle_since = 0.0
        self._write_timeout = settings.write_timeout
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._duplex = select.poll()
        self._duplex.register(sock, select.POLLIN | select.POLLOUT)

    @property
    def encrypted(self) -> bool:
        return isinstance(self.sock, ssl.SSLSocket)

    def has_news(self) -> bool:
        """Whether the other end sent bytes or closed. On an idle connection either means that it is of no use."""
        return bool(self._poll.poll(0))

    def has_pending(self) -> bool:
        """Whether bytes have been decrypted that were not received yet; no poll shows those."""
        return isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0

    def send(self, data: bytes | memoryview) -> None:
        try:
            self.sock.sendall(data)
        except _TIMED_OUT as error:
            raise UpstreamTimeoutError(_NOT_TAKEN) from error
        except OSError as error:
            raise UpstreamClosedError(_CLOSED) from error

    def send_unless_heard(self, data: memoryview) -> memoryview:
        """Send until all is sent or the other end has something to say; return what is still to be sent."""
        while data:
            events = self._duplex.poll(self._write_timeout * 1000)
            if not events:
                raise UpstreamTimeoutError(_NOT_TAKEN)
            if events[0][1] & ~select.POLLOUT:
                break
            try:
                data = data[self.sock.send(data, socket.MSG_DONTWAIT) :]
            except OSError as error:
                raise UpstreamClosedError(_CLOSED) from error
        return data

    def receive(self) -> bytes:
        """The next bytes, ``b""`` at the end."""
        try:
            return self.sock.recv(_READ_SIZE)
        except _TIMED_OUT as error:
            raise UpstreamTimeoutError("The upstream did not answer in time.") from error
        except OSError as error:
            raise UpstreamClosedError("The upstream broke the connection.") from error

    def close(self) -> None:
        self.sock.close()
        if self.forget is not None:
            self.forget(self)


def _timeval(seconds: float) -> bytes:
    """C's ``struct timeval``; at least a microsecond, as zero would mean to wait for ever."""
    return struct.pack("ll", int(seconds), max(1, int(seconds % 1 * 1_000_000)))


def connect(upstream: Upstream, settings: ProxySettings, context: ssl.SSLContext | None) -> Connection:
    """Open a connection. Raises :class:`UpstreamUnreachableError`, or :class:`UpstreamTimeoutError` for a slow one."""
    try:
        sock = socket.create_connection((upstream.host, upstream.port), settings.connect_timeout)
    except TimeoutError as error:
        raise UpstreamTimeoutError("The upstream did not accept the connection in time.") from error
    except OSError as error:
        raise UpstreamUnreachableError("The upstream can't be reached.") from error
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            sock = context.wrap_socket(sock, server_hostname=upstream.host)
    except TimeoutError as error:
        sock.close()
        raise UpstreamTimeoutError("The upstream did not finish the TLS handshake in time.") from error
    except (OSError, ssl.CertificateError) as error:
        sock.close()
        raise UpstreamUnreachableError("No TLS connection to the upstream can be made.") from error
    return Connection(sock, settings)
