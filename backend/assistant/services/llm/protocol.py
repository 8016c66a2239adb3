"""How the processes talk: JSON objects, one a line, over stream sockets.

A worker sends the supervisor one request a connection, `{"request": name, ...}`, and reads events, `{"event": name,
...}`, until the other side closes it; closing it first cancels the request. The supervisor talks to the model process
in the same manner over a pair of sockets.
"""

import json
import select
import socket
import time
from pathlib import Path
from typing import Any

Message = dict[str, Any]

#: Raised when messages change: processes of different releases then leave each other alone.
VERSION = 1
#: Longest line, in bytes.
LONGEST = 16 * 1024 * 1024
ROOM = "llm"


class GoneError(ConnectionError):
    """The other side has closed the connection."""


class Paths:
    """The files by which the processes of one data directory find each other."""

    def __init__(self, data_directory: Path) -> None:
        self.directory = data_directory / ROOM
        self.socket = self.directory / f"supervisor-{VERSION}.sock"
        self.elected = self.directory / f"supervisor-{VERSION}.lock"
        self.starting = self.directory / f"starting-{VERSION}.lock"
        self.users = self.directory / f"users-{VERSION}.lock"
        self.loaded = self.directory / f"loaded-{VERSION}.json"

    def make(self) -> None:
        """Make the directory, for its owner alone, where it is missing."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def encode(message: Message) -> bytes:
    """A message as it is sent. Raises ValueError where it is too long."""
    line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
    if len(line) > LONGEST:
        raise ValueError(f"A message of {len(line)} bytes is too long")
    return line


class Channel:
    """One end of a connection, for code that waits."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = bytearray()
        self._searched = 0

    def send(self, message: Message) -> None:
        """Send `message`. Raises GoneError."""
        try:
            self._connection.sendall(encode(message))
        except OSError as error:
            raise GoneError from error

    def receive(self, timeout: float | None = None) -> Message | None:
        """The next message; None where none has come within `timeout` seconds. Raises GoneError."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (end := self._buffer.find(b"\n", self._searched)) < 0:
            self._searched = len(self._buffer)
            if self._searched > LONGEST:
                raise GoneError
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not self._readable(left):
                return None
            self._read()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        message: Message = json.loads(line)
        return message

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _readable(self, timeout: float | None) -> bool:
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        return bool(poll.poll(None if timeout is None else timeout * 1000))

    def _read(self) -> None:
        try:
            chunk = self._connection.recv(1 << 16)
        except OSError as error:
            raise GoneError from error
        if not chunk:
            raise GoneError
        self._buffer += chunk
