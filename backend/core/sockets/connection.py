"""One WebSocket as a handler sees it."""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

from simple_websocket import ConnectionClosed, Server  # type: ignore[import-untyped]

from backend.core.sockets.held_socket import HeldSocket
from backend.core.sockets.settings import SocketSettings

NORMAL, GOING_AWAY, POLICY, FAILURE = 1000, 1001, 1008, 1011
#: How often a waiting handler looks whether its connection is still of use, in seconds.
LOOK = 1.0


class Connection:
    """Messages both ways. It may be closed from any thread; whatever waits then raises ConnectionClosed.

    `user` is whom the route's check named, `end` how it came to an end, for counters.
    """

    def __init__(self, server: Server, held: HeldSocket, settings: SocketSettings, user: str | None) -> None:
        self.user = user
        self.end = "client"
        self._server: Any = server
        self._held = held
        self._settings = settings
        self._lock = threading.Lock()
        self._last = time.monotonic()
        held.holds_back = lambda: len(self._server.input_buffer) >= settings.unread

    def __iter__(self) -> Iterator[str | bytes]:
        """Messages as they come, until the connection ends."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                message = self.receive()
                if message is not None:
                    yield message

    def receive(self, timeout: float | None = None) -> str | bytes | None:
        """The next message; None when there is none within `timeout` seconds. Raises ConnectionClosed at the end."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = LOOK if deadline is None else min(LOOK, max(0.0, deadline - time.monotonic()))
            message: str | bytes | None = self._server.receive(timeout=left)
            now = time.monotonic()
            if message is not None:
                self._last = now
                self._held.go_on()
                return message
            if now - self._last >= self._settings.idle_seconds:
                self.end = "idle"
                self.close(POLICY, "Idle for too long")
            if deadline is not None and now >= deadline:
                return None

    def send(self, message: str | bytes) -> None:
        """Send one message. Raises ConnectionClosed when the other end is gone, or takes nothing for too long."""
        try:
            with self._lock:
                self._server.send(message)
        except OSError as error:
            self.end = "not taken"
            self._abandon()
            raise ConnectionClosed() from error
        self._last = time.monotonic()

    def close(self, code: int = NORMAL, reason: str | None = None) -> None:
        """End the connection; nothing happens when it has ended already."""
        if self.end == "client" and code in (GOING_AWAY, FAILURE):
            self.end = "stopping" if code == GOING_AWAY else "failure"
        with contextlib.suppress(ConnectionClosed, OSError):
            self._server.close(code, reason)
        self._abandon()

    def wait_closed(self, timeout: float) -> None:
        """Wait until nothing reads from the connection any more."""
        self._server.thread.join(timeout)

    def _abandon(self) -> None:
        """Let the handler and the thread that reads see that it is over."""
        self._server.connected = False
        self._server.event.set()
        self._held.stop_reading()
