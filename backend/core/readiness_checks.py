"""What a process's readiness is made of: checks that are asked, components that report, and what both amount to."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

STARTING, READY, FAILED = "starting", "ready", "failed"
#: How long a check may take, in seconds.
TIMEOUT = 2.0


class NotReadyError(Exception):
    """Something is missing; the text says what, to anybody, so it must hold nothing confidential."""


@dataclass(frozen=True)
class CheckState:
    """What was found `age` seconds ago: starting (nothing yet), ready, or failed, with an `error` for everybody."""

    state: str
    error: str | None
    age: float
    required: bool = True


@dataclass(frozen=True)
class Snapshot:
    """The states of all checks and components, by name."""

    checks: Mapping[str, CheckState]

    @property
    def is_ready(self) -> bool:
        """Whether everything that is required is ready."""
        return all(check.state == READY for check in self.checks.values() if check.required)


class Component:
    """Something that lives as long as the process and knows itself how it is, such as a model that is being loaded."""

    def __init__(self, required: bool = True) -> None:
        self._required = required
        self.starting()

    def starting(self) -> None:
        """It is being made ready, for the first time or again."""
        self._found = (STARTING, None, time.monotonic())

    def ready(self) -> None:
        """It can be used."""
        self._found = (READY, None, time.monotonic())

    def failed(self, error: str) -> None:
        """It can't be used; `error` says why, to anybody, so it must hold nothing confidential."""
        self._found = (FAILED, error, time.monotonic())

    def refresh(self) -> None:
        """Nothing: it reports by itself."""

    def wait(self, seconds: float) -> None:
        """Nothing, either."""

    def state(self) -> CheckState:
        """What it reported last."""
        state, error, since = self._found
        return CheckState(state, error, time.monotonic() - since, self._required)

    _found: tuple[str, str | None, float]


class Check:
    """A probe, and what it said last. A probe that hangs is never started a second time beside itself."""

    def __init__(self, probe: Callable[[], Any], timeout: float, remembered: float) -> None:
        self._probe = probe
        self._timeout = timeout
        self._remembered = remembered
        self._start_over()

    def _start_over(self) -> None:
        """What a parent process found, or was finding, says nothing about its child."""
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._done.set()
        self._asked = time.monotonic()
        self._found: tuple[str, str | None, float] = (STARTING, None, self._asked)
        self._is_known = False

    def refresh(self) -> None:
        """Ask again in the background, if the last answer is old and nobody is asking."""
        if self._process != os.getpid():
            self._start_over()
        with self._lock:
            if not self._done.is_set() or (self._is_known and time.monotonic() - self._found[2] < self._remembered):
                return
            done, self._asked = threading.Event(), time.monotonic()
            try:
                threading.Thread(target=self._ask, args=(done,), name="readiness", daemon=True).start()
            except RuntimeError:  # too many threads: nobody is asking, so the next one tries again
                self._found = (FAILED, "No thread is left to ask.", self._asked)
                return
            self._done = done

    def wait(self, seconds: float) -> None:
        """Wait for the answer that is being asked for, at most so long."""
        if seconds > 0:
            self._done.wait(seconds)

    def state(self) -> CheckState:
        """What was found last; a probe under way for longer than its timeout has failed."""
        now = time.monotonic()
        state, error, since = self._found
        overdue = now - self._asked - self._timeout
        if not self._done.is_set() and overdue >= 0:
            return CheckState(FAILED, f"No answer within {self._timeout:g} s.", overdue)
        return CheckState(state, error, now - since)

    def _ask(self, done: threading.Event) -> None:
        try:
            self._probe()
            state, error = READY, None
        except NotReadyError as missing:
            state, error = FAILED, str(missing)
        except Exception as trouble:
            state, error = FAILED, type(trouble).__name__
        self._found = (state, error, time.monotonic())
        self._is_known = True
        done.set()
