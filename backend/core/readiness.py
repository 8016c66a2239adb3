"""`/healthz`: is the process alive? `/readyz`: can it do its work now?"""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue

from backend.core.database import separate_engine

READINESS = "readiness"
#: Longest wait for a check, and how long its answer is good for, in seconds.
TIMEOUT = 2.0
REMEMBERED = 1.0


@dataclass
class _Check:
    """A check and its last answer: None when all is well, else what is wrong."""

    probe: Callable[[], Any]
    trouble: str | None = "not checked yet"
    asked_at: float = float("-inf")
    under_way: threading.Event | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, timeout: float, remembered: float) -> str | None:
        """Ask again if the last answer is old. A probe that hangs is never started a second time beside itself."""
        with self.lock:
            if time.monotonic() - self.asked_at < remembered and self.under_way is None:
                return self.trouble
            if self.under_way is None:
                self.under_way = threading.Event()
                threading.Thread(target=self._ask, args=(self.under_way,), name="readiness", daemon=True).start()
            done = self.under_way
        return self.trouble if done.wait(timeout) else f"no answer within {timeout:g} s"

    def _ask(self, done: threading.Event) -> None:
        try:
            self.probe()
            trouble = None
        except Exception as error:
            trouble = type(error).__name__
        with self.lock:
            self.trouble = trouble
            self.asked_at = time.monotonic()
            self.under_way = None
        done.set()


class Readiness:
    """Named checks that must all pass before a process can do its work."""

    def __init__(self, timeout: float = TIMEOUT, remembered: float = REMEMBERED) -> None:
        self._timeout = timeout
        self._remembered = remembered
        self._checks: dict[str, _Check] = {}

    def add(self, name: str, probe: Callable[[], Any]) -> None:
        """Check `probe`, which raises when something is wrong. It is called in a thread, without a context."""
        self._checks[name] = _Check(probe)

    def troubles(self) -> dict[str, str | None]:
        """What is wrong, by the names of the checks; None where all is well. The text tells nothing confidential."""
        return {name: check.answer(self._timeout, self._remembered) for name, check in self._checks.items()}


def install_readiness(app: Flask) -> None:
    """Answer `/healthz` always, and `/readyz` with 200 or 503 by the checks added to `app.extensions["readiness"]`."""
    readiness = Readiness()
    app.extensions[READINESS] = readiness
    app.add_url_rule("/healthz", "healthz", lambda: jsonify(status="alive"))
    app.add_url_rule("/readyz", "readyz", lambda: _answer(readiness))


def check_database(app: Flask) -> None:
    """Make the application ready only while its database answers, whether or not its pool has a connection left."""
    engine = separate_engine(app.extensions["settings"], patience=TIMEOUT)

    def ask() -> None:
        # Without a transaction, which on SQLite would wait for whoever writes.
        with closing(engine.raw_connection()) as connection:
            connection.cursor().execute("SELECT 1")

    app.extensions[READINESS].add("database", ask)


def _answer(readiness: Readiness) -> ResponseReturnValue:
    troubles = readiness.troubles()
    is_ready = not any(troubles.values())
    checks = {name: trouble or "ok" for name, trouble in troubles.items()}
    return jsonify(status="ready" if is_ready else "not ready", checks=checks), 200 if is_ready else 503
