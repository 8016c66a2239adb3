"""The server's socket, lent to a WebSocket: nothing is sent in parts, or read without need, and it is given back."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable

from backend.core.sockets.settings import SocketSettings


class HeldSocket:
    """Stands for the client's socket while the WebSocket library has it.

    It is never closed here: that is for the server, which counts its connections by it. `holds_back` says whether
    nothing more is to be read for now.
    """

    def __init__(self, sock: socket.socket, settings: SocketSettings) -> None:
        self.holds_back: Callable[[], bool] = lambda: False
        self._sock = sock
        self._sending = threading.Lock()
        self._reading = threading.Condition()
        self._ended = False
        seconds = settings.send_seconds
        limit = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

    def fileno(self) -> int:
        """For selectors."""
        return self._sock.fileno()

    def send(self, data: bytes) -> int:
        """Send all of `data`; raises OSError when the other end takes nothing for too long."""
        with self._sending:
            rest = memoryview(data)
            try:
                while rest:
                    rest = rest[self._sock.send(rest) :]
            except OSError:
                self.stop_reading()  # half a frame may have gone out: nothing can follow it
                raise
        return len(data)

    def recv(self, size: int) -> bytes:
        """What has arrived, b"" at the end; waits while the handler has more than enough to read."""
        with self._reading:
            while self.holds_back() and not self._ended:
                self._reading.wait()
        return self._sock.recv(size)

    def go_on(self) -> None:
        """Look again whether to hold back."""
        with self._reading:
            self._reading.notify_all()

    def stop_reading(self) -> None:
        """Let whoever reads see the end."""
        with self._reading:
            self._ended = True
            self._reading.notify_all()
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        """Tell the other end that nothing more will come."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)
