"""Locks on files, which processes and threads share and which a process that is killed gives back by itself."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PAUSE_SECONDS = 0.01


class LockedError(Exception):
    """Somebody else holds the lock."""


def take(path: Path, patience: float = 0.0) -> int:
    """The descriptor that holds the lock `path` until it is closed.

    Raises LockedError where somebody else still holds it after `patience` seconds, and OSError.
    """
    deadline = time.monotonic() + patience
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise LockedError from None
            time.sleep(PAUSE_SECONDS)
        except OSError:
            os.close(descriptor)
            raise
        else:
            return descriptor


@contextmanager
def alone(path: Path, patience: float) -> Iterator[None]:
    """Run the body while nobody else holds the lock `path`. Raises LockedError and OSError as `take` does."""
    descriptor = take(path, patience)
    try:
        yield
    finally:
        os.close(descriptor)
