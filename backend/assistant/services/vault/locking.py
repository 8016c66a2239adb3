"""Locks between processes and threads that a process which is killed gives back by itself."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.assistant.services.vault.refusals import BusyError, UnwritableError

PATIENCE_SECONDS = 30.0
PAUSE_SECONDS = 0.005


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Run the body while nobody else holds the lock file `path`; raises BusyError after half a minute."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise UnwritableError from error
    try:
        _take(descriptor)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise BusyError from None
            time.sleep(PAUSE_SECONDS)
        else:
            return
