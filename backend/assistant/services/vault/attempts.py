"""Guessing the master password takes longer with every wrong guess, whichever worker is asked."""

import json
import math
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.assistant.services.vault.locking import alone
from backend.assistant.services.vault.refusals import TooManyAttemptsError, UnwritableError, WrongPasswordError

FREE_FAILURES = 3
LONGEST_DELAY_SECONDS = 300.0


class Attempts:
    """Counts wrong master passwords in a file of `directory`. One password is tried at a time, by all workers together.

    That also bounds the memory that Argon2id takes.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / "attempts"
        self.lock = directory / "attempts.lock"

    @contextmanager
    def one(self) -> Iterator[None]:
        """Run the body as an attempt, which has failed unless it ends: the process may die on the way.

        What it raises beside WrongPasswordError is nobody's guess and doesn't count. Raises TooManyAttemptsError when
        the last failure is too recent, without running the body.
        """
        with alone(self.lock):
            failures, last = self._read()
            now = time.time()
            wait = min(last + delay(failures) - now, delay(failures))
            if wait > 0:
                raise TooManyAttemptsError(math.ceil(wait))
            self._write(failures + 1, now)
            try:
                yield
            except WrongPasswordError:
                raise
            except Exception:
                self._write(failures, last)
                raise
            self.path.unlink(missing_ok=True)

    def _read(self) -> tuple[int, float]:
        try:
            counted = json.loads(self.path.read_text())
            return int(counted["failures"]), float(counted["last"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0, 0.0

    def _write(self, failures: int, now: float) -> None:
        unfinished = self.path.with_name(f"{self.path.name}-{secrets.token_hex(8)}")
        try:
            descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                json.dump({"failures": failures, "last": now}, file)
            unfinished.replace(self.path)
        except OSError as error:
            raise UnwritableError from error


def delay(failures: int) -> float:
    """Seconds that must pass after so many failures in a row: none for the first, then 1, 2, 4, ..., 300."""
    if failures < FREE_FAILURES:
        return 0.0
    return min(2.0 ** min(failures - FREE_FAILURES, 30), LONGEST_DELAY_SECONDS)
