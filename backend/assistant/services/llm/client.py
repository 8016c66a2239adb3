"""A worker's way to the supervisor: finding it, starting it where there is none, asking it."""

import fcntl
import json
import os
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from backend.assistant.services.llm.limits import Limits
from backend.assistant.services.llm.model import environment
from backend.assistant.services.llm.protocol import Channel, GoneError, Message, Paths
from backend.assistant.services.llm.refusals import NO_SUPERVISOR, TOO_LONG, LlmRefusedError

#: How long a supervisor may take to start, and to answer what it can answer at once. In seconds.
START_WITHIN = 30.0
ANSWER_WITHIN = 30.0
LONGEST_ADDRESS = 100
COMMAND = (sys.executable, "-P", "-m", f"{__package__}.process")


class NotRunningError(Exception):
    """There is no supervisor."""


class Request:
    """A request under way. Closing it cancels it; it is a context that closes itself."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def next(self, timeout: float) -> Message | None:
        """The next event; None where none has come within `timeout` seconds.

        Raises LlmRefusedError, and GoneError when the supervisor is gone.
        """
        event = self._channel.receive(timeout)
        if event is not None and event["event"] == "refused":
            raise LlmRefusedError.from_event(event)
        return event


class Client:
    """The supervisor of one data directory, whether or not it runs."""

    def __init__(self, data_directory: Path, limits: Limits) -> None:
        self._data_directory = data_directory
        self._limits = asdict(limits)
        self._paths = Paths(data_directory)
        self._users: int | None = None
        self._using = threading.Lock()
        if self._paths.directory.is_dir():
            with suppress(OSError):
                self.use()

    def use(self) -> None:
        """Keep the supervisor running as long as this process does: it ends when nobody holds this lock."""
        with self._using:
            if self._users is None:
                self._paths.make()
                users = os.open(self._paths.users, os.O_RDWR | os.O_CREAT, 0o600)
                fcntl.flock(users, fcntl.LOCK_SH)
                self._users = users
                weakref.finalize(self, os.close, users)

    def ask(self, request: str, *, start: bool = False, within: float = ANSWER_WITHIN, **details: Any) -> Message:
        """The answer to a request that is answered at once; `within` is in seconds.

        Raises LlmRefusedError, and NotRunningError where there is no supervisor and none is to be started.
        """
        with self.open(request, start=start, **details) as opened:
            try:
                answer = opened.next(within)
            except GoneError:
                raise NotRunningError from None
        if answer is None:
            raise LlmRefusedError(503, f"{NO_SUPERVISOR}: no answer within {within:g} s", 5)
        return answer

    def open(self, request: str, *, start: bool = False, **details: Any) -> Request:
        """Send a request; its events are read from what is returned. Raises as `ask` does."""
        if not start and not self._paths.directory.is_dir():
            raise NotRunningError
        try:
            self.use()
        except OSError as error:
            raise LlmRefusedError(503, f"{NO_SUPERVISOR}: the data directory can't be written to") from error
        must_start = start or self._paths.loaded.exists()
        channel = Channel(self._started() if must_start else self._connected())
        try:
            channel.send({"request": request, "limits": self._limits, **details})
        except GoneError:
            channel.close()
            raise NotRunningError from None
        except ValueError:
            channel.close()
            raise LlmRefusedError(413, "The conversation is too long", code=TOO_LONG) from None
        return Request(channel)

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _address(self._paths.socket) as address:
                connection.connect(address)
        except OSError:
            connection.close()
            raise NotRunningError from None
        return connection

    def _started(self) -> socket.socket:
        """A connection to the supervisor, started where there is none: by one at a time, the others find it then."""
        with suppress(NotRunningError):
            return self._connected()
        deadline = time.monotonic() + START_WITHIN
        process: subprocess.Popen[bytes] | None = None
        with _opened(self._paths.starting) as lock:
            while time.monotonic() < deadline:
                with suppress(NotRunningError):
                    return self._connected()
                if _is_ours(lock):
                    if process is None or process.poll() == 0:
                        process = self._start()
                    elif process.poll() is not None:
                        break
                time.sleep(0.02)
        raise LlmRefusedError(503, f"{NO_SUPERVISOR}: it did not start; its log is logs/llm.log in DATA_DIR", 5)

    def _start(self) -> "subprocess.Popen[bytes]":
        """Start a supervisor that outlives this process; where another still runs it ends at once, with status 0."""
        process = subprocess.Popen(
            [*COMMAND, str(self._data_directory), json.dumps(self._limits)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=environment(),
        )
        threading.Thread(target=process.wait, name="supervisor", daemon=True).start()
        return process


@contextmanager
def _opened(lock: Path) -> Iterator[int]:
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _is_ours(lock: int) -> bool:
    """Whether this process holds the lock, now or since it asked before."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """The address of a Unix socket; one that is too long for one is reached through its directory's descriptor."""
    if len(os.fsencode(path)) <= LONGEST_ADDRESS:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
