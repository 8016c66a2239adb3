"""What gunicorn's own response object is used for beyond WSGI; under other servers there is none, and nothing is lost.

It is the object that ``start_response`` belongs to.
"""

from __future__ import annotations

import socket
from typing import Any


def response_behind(start_response: Any) -> Any:
    """gunicorn's response, None under other servers. A stand-in for ``start_response`` names it as ``behind``."""
    owner = getattr(start_response, "__self__", None)
    return getattr(owner, "behind", owner)


class OneSend:
    """Stands before the client's socket while gunicorn writes a head and then a body, and sends both at once.

    gunicorn writes them one after the other, which makes two packets of every small answer and wakes the client twice.
    Only for answers that are whole and have a body.
    """

    __slots__ = ("_head", "_response", "_sock")

    def __init__(self, response: Any) -> None:
        self._response = response
        self._sock: socket.socket = response.sock
        self._head = b""
        response.sock = self

    def sendall(self, data: bytes) -> None:
        if not self._head:
            self._head = data
            return
        self._response.sock = self._sock
        self._sock.sendall(self._head + data)
