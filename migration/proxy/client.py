"""The request as it came from the client, and what can be done to the client's connection."""

from __future__ import annotations

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
from migration.proxy.gunicorn_response import OneSend, response_behind
from migration.proxy.headers import HeaderList, connection_options, received_headers

_ABSOLUTE_FORM = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?P<authority>[^/?#]*)(?P<target>.*)")
#: What may stand in a path unquoted (RFC 3986 section 3.3), besides letters and digits.
_PATH_SAFE = "/:@!$&'()*+,;=-._~"


@dataclass(slots=True)
class ClientRequest:
    """``target`` is the raw path and query, byte for byte (latin-1); ``headers`` are all that the client sent.

    ``body`` is None for a request without one. ``sock`` is the client's connection where the server shows it,
    ``response`` gunicorn's own response object where there is one.
    """

    method: str
    target: str
    host: str
    headers: HeaderList
    body: RequestBody | None
    environ: dict[str, Any]
    sock: socket.socket | None
    response: Any

    @classmethod
    def from_wsgi(cls, environ: dict[str, Any], start_response: Any) -> ClientRequest:
        """Raises :class:`UnsupportedRequestError` for what a reverse proxy can't forward."""
        target, authority = raw_target(environ)
        response = response_behind(start_response)
        return cls(
            method=environ["REQUEST_METHOD"],
            target=target,
            host=authority or environ.get("HTTP_HOST", ""),
            headers=received_headers(environ, response),
            body=request_body(environ),
            environ=environ,
            sock=environ.get("gunicorn.socket"),
            response=response,
        )

    @property
    def wants_websocket(self) -> bool:
        upgrade = self.environ.get("HTTP_UPGRADE")
        if not upgrade or upgrade.lower() != "websocket" or self.method != "GET":
            return False
        return "upgrade" in connection_options(self.environ.get("HTTP_CONNECTION", ""))

    def send_head_with_body(self) -> None:
        """Let the head of an answer wait for its body, which the server is going to write next."""
        if self.sock is not None and getattr(self.response, "sock", None) is self.sock:
            OneSend(self.response)

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
