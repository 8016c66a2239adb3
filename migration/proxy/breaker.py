"""No use in knocking: after some failures in a row an upstream is left alone for a while, then tried by one request."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pybreaker import STATE_CLOSED, STATE_OPEN, CircuitBreaker, CircuitBreakerError

from migration.forking import call_in_child
from migration.proxy.errors import UpstreamError, UpstreamUnavailableError
from migration.proxy.settings import ProxySettings

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BreakerState:
    """``state`` is closed (all is well), open (nothing is tried) or half-open (one request tries)."""

    name: str
    state: str
    failures: int


class UpstreamBreaker:
    """Around the making of connections: answers of an upstream, whatever they say, are no failures.

    The library keeps the count and the state. It would let one call at a time through, and a connection may take
    seconds: so it is told what came of each, and is never held meanwhile.
    """

    def __init__(self, name: str, settings: ProxySettings) -> None:
        self._name = name
        self._failures = settings.breaker_failures
        self._seconds = settings.breaker_seconds
        self._reset()
        call_in_child(self._reset)

    def call(self, connect: Callable[[], T]) -> T:
        """What ``connect`` returns; raises what it raises, and UpstreamUnavailableError when it is not even tried."""
        if not self._failures:
            return connect()
        is_trial = self._enter()
        try:
            connection = connect()
        except UpstreamError as error:
            self._tell(error, is_trial)
            raise
        else:
            self._tell(None, is_trial)
            return connection
        finally:
            if is_trial:
                self._trial.release()

    def state(self) -> BreakerState:
        """For whoever watches."""
        circuit = self._circuit
        state = "half-open" if self._trial.locked() else circuit.current_state
        return BreakerState(self._name, state, circuit.fail_counter)

    def _enter(self) -> bool:
        """Whether this is the trial; raises UpstreamUnavailableError when nobody is to try."""
        if self._circuit.current_state == STATE_CLOSED:
            return False
        left = self._seconds - (time.monotonic() - self._opened)
        if left <= 0 and self._trial.acquire(blocking=False):
            return True
        raise UpstreamUnavailableError(left)

    def _tell(self, error: UpstreamError | None, is_trial: bool) -> None:
        """Note what came of a connection. What others were still waiting for when the circuit opened counts no more."""
        circuit = self._circuit
        before = circuit.current_state
        if before == STATE_OPEN and not is_trial:
            return
        try:
            circuit.call(_outcome, error)
        except (UpstreamError, CircuitBreakerError):
            if circuit.current_state == STATE_OPEN:
                self._opened = time.monotonic()
        after = circuit.current_state
        if after != before:
            log.warning("The upstream %s is %s.", self._name, "left alone" if after == STATE_OPEN else "used again")

    def _reset(self) -> None:
        # By the library's clock, which may be set, a trial is always due; by ours it is when it is.
        self._circuit = CircuitBreaker(
            fail_max=max(1, self._failures), reset_timeout=0, name=self._name, throw_new_error_on_trip=False
        )
        self._trial = threading.Lock()
        self._opened = 0.0


def _outcome(error: UpstreamError | None) -> None:
    if error is not None:
        raise error
