"""The request as it came from the client, and what can be done to the client's connection."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
import struct
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from migration.proxy.body import RequestBody, request_body
from migration.proxy.errors import UnsupportedRequestError
from migration.proxy.headers import HeaderList, connection_options, received_headers

#: Linux's; elsewhere a small answer takes two packets.
_TCP_CORK: int | None = getattr(socket, "TCP_CORK", None)
_ABSOLUTE_FORM = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?P<authority>[^/?#]*)(?P<target>.*)")
#: What may stand in a path unquoted (RFC 3986 section 3.3), besides letters and digits.
_PATH_SAFE = "/:@!$&'()*+,;=-._~"


@dataclass(slots=True)
class ClientRequest:
    """``target`` is the raw path and query, byte for byte (latin-1); ``headers`` are all that the client sent.

    ``body`` is None for a request without one. ``sock`` is the client's connection where the server shows it.
    """

    method: str
    target: str
    host: str
    headers: HeaderList
    body: RequestBody | None
    environ: dict[str, Any]
    sock: socket.socket | None

    @classmethod
    def from_wsgi(cls, environ: dict[str, Any], start_response: Any) -> ClientRequest:
        """Raises :class:`UnsupportedRequestError` for what a reverse proxy can't forward."""
        target, authority = raw_target(environ)
        return cls(
            method=environ["REQUEST_METHOD"],
            target=target,
            host=authority or environ.get("HTTP_HOST", ""),
            headers=received_headers(environ, start_response),
            body=request_body(environ),
            environ=environ,
            sock=environ.get("gunicorn.socket"),
        )

    @property
    def wants_websocket(self) -> bool:
        upgrade = self.environ.get("HTTP_UPGRADE")
        if not upgrade or upgrade.lower() != "websocket" or self.method != "GET":
            return False
        return "upgrade" in connection_options(self.environ.get("HTTP_CONNECTION", ""))

    def hold_back(self) -> None:
        """Let the kernel keep what is sent until :meth:`send_off`: servers send a head and a body one after the other.

        Head and a small body then leave as one packet, and the client wakes up once.
        """
        self._cork(1)

    def send_off(self) -> None:
        """Send what was held back."""
        self._cork(0)

    def _cork(self, held: int) -> None:
        if self.sock is not None and _TCP_CORK is not None:
            with contextlib.suppress(OSError):  # a Unix socket, which has no packets, or one that is closed
                self.sock.setsockopt(socket.IPPROTO_TCP, _TCP_CORK, held)

    def bound_waits(self, timeout: float) -> None:
        """Bound the waits for this client by ``timeout`` seconds; without it they are the server's affair."""
        if self.sock is not None:
            self.sock.settimeout(timeout)

    def reset_connection(self) -> None:
        """Break the client's connection so that it can't take what it got for whole.

        Needed for HTTP/1.0 clients, to whom the end of the connection is the end of the body. The descriptor stays
        valid, as the server is going to close it: another socket takes the place of the connection.
        """
        if self.sock is None or isinstance(self.sock, ssl.SSLSocket):
            return
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stand_in, other = socket.socketpair()
        with stand_in, other:
            os.dup2(stand_in.fileno(), self.sock.fileno())


def raw_target(environ: dict[str, Any]) -> tuple[str, str]:
    """Path and query as the client wrote them, and the authority of an absolute-form target.

    gunicorn and werkzeug give the raw target; under other servers it is quoted anew from the decoded path.
    """
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if not raw:
        path = (environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")).encode("latin-1")
        query = environ.get("QUERY_STRING", "")
        return (quote(path, safe=_PATH_SAFE) or "/") + (f"?{query}" if query else ""), ""
    if raw.startswith("/") or raw == "*":
        return raw, ""
    absolute = _ABSOLUTE_FORM.fullmatch(raw)
    if absolute is None:
        raise UnsupportedRequestError("A reverse proxy opens no tunnels.")
    target = absolute["target"]
    return (target if target.startswith("/") else f"/{target}"), absolute["authority"]
