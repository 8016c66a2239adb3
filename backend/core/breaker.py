"""Circuit breakers around what is called outside: a service that fails again and again is left alone for a while."""

import functools
import logging
import math
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from flask import Flask
from pybreaker import STATE_CLOSED, STATE_OPEN, CircuitBreaker, CircuitBreakerError

from backend.core.errors import RequestRefusedError
from backend.core.metrics import GAUGES

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half-open"

T = TypeVar("T")

_log = logging.getLogger("backend.breakers")
_known: "weakref.WeakSet[Breaker]" = weakref.WeakSet()


class ServiceUnavailableError(RequestRefusedError):
    """What is called outside has failed too often, and is not tried for `seconds` more; clients get 503."""

    def __init__(self, name: str, seconds: float) -> None:
        self.seconds = max(1, math.ceil(seconds))
        headers = {"Retry-After": str(self.seconds)}
        super().__init__(503, f"The service {name} is not available; try again later", headers=headers)


@dataclass(frozen=True)
class BreakerState:
    """`state` is closed (all is well), open (nothing is tried) or half-open (one call tries).

    `failures` is how many there were in a row, `refused` how many calls were not tried since the process began.
    """

    name: str
    state: str
    failures: int
    refused: int


class Breaker:
    """Opens after `failures` of the kinds `counted` in a row; `seconds` later one call tries whether it may close.

    Other exceptions, such as answers that say no, count as reached. The library keeps the count and the state; it
    would let one call at a time through, so it is told what came of each and is never held meanwhile.
    """

    def __init__(
        self, name: str, counted: tuple[type[Exception], ...], *, failures: int = 5, seconds: float = 10.0
    ) -> None:
        self.name = name
        self._counted = counted
        self._failures = failures
        self._seconds = seconds
        self._start_over()
        _known.add(self)

    def __call__(self, function: Callable[..., T]) -> Callable[..., T]:
        """As a decorator."""

        @functools.wraps(function)
        def guarded(*arguments: object, **named: object) -> T:
            with self.calling():
                return function(*arguments, **named)

        return guarded

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Around the call. Raises ServiceUnavailableError instead of trying what has failed too often."""
        is_trial = self._enter()
        try:
            yield
        except self._counted as error:
            self._tell(error, is_trial)
            raise
        except Exception:
            self._tell(None, is_trial)
            raise
        else:
            self._tell(None, is_trial)
        finally:
            if is_trial:
                self._trial.release()

    def state(self) -> BreakerState:
        """For metrics, and for people."""
        state = HALF_OPEN if self._trial.locked() else self._circuit.current_state
        return BreakerState(self.name, state, self._circuit.fail_counter, self._refused)

    def _enter(self) -> bool:
        """Whether this call is the trial; raises ServiceUnavailableError when nobody is to try."""
        if self._process != os.getpid():
            self._start_over()
        if self._circuit.current_state == STATE_CLOSED:
            return False
        left = self._seconds - (time.monotonic() - self._opened)
        if left <= 0 and self._trial.acquire(blocking=False):
            return True
        self._refused += 1
        raise ServiceUnavailableError(self.name, left)

    def _tell(self, error: Exception | None, is_trial: bool) -> None:
        """Note what came of a call. What was still under way when the circuit opened counts no more."""
        circuit = self._circuit
        before = circuit.current_state
        if before == STATE_OPEN and not is_trial:
            return
        try:
            circuit.call(_outcome, error)
        except CircuitBreakerError:
            pass
        except self._counted:
            if circuit.current_state == STATE_OPEN:
                self._opened = time.monotonic()
        after = circuit.current_state
        if after != before:
            _log.warning("a service outside is %s", "left alone" if after == STATE_OPEN else "used again",
                         extra={"service": self.name})  # fmt: skip

    def _start_over(self) -> None:
        # By the library's clock, which may be set, a trial is always due; by ours it is when it is.
        self._circuit = CircuitBreaker(
            fail_max=self._failures, reset_timeout=0, name=self.name, throw_new_error_on_trip=False
        )
        self._trial = threading.Lock()
        self._opened = 0.0
        self._refused = 0
        self._process = os.getpid()


def breakers() -> list[BreakerState]:
    """The states of all breakers of this process, by name."""
    return sorted((breaker.state() for breaker in _known), key=lambda state: state.name)


def install_breakers(app: Flask) -> None:
    """Show the breakers of each process in the metrics of `app`."""
    text = "Breakers around what is called outside, by state."
    app.extensions[GAUGES].add("backend_breakers", text, _by_name_and_state, ["name", "state"])


def _by_name_and_state() -> dict[tuple[str, ...], float]:
    return {(breaker.name, breaker.state): 1.0 for breaker in breakers()}


def _outcome(error: Exception | None) -> None:
    if error is not None:
        raise error
