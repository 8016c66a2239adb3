"""Calling code that is not ours without waiting for it forever."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Any, TypeVar

from backend.core.request_context import carried
from backend.spot.services.engines.call_threads import CallThreads

T = TypeVar("T")

MOST_OVERDUE = 4


class OverdueError(Exception):
    """A call took longer than it may, or was not begun because others still do; the text goes behind its name."""


class TimeLimit:
    """Runs each call in a thread of its own, for as long as it takes, and waits at most `seconds` for it.

    A thread cannot be stopped. So that calls that never come back don't pile up, nothing more is begun while
    MOST_OVERDUE of them are still running.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._overdue = 0
        self._lock = Lock()
        self._threads = CallThreads()

    def call(self, work: Callable[[], T]) -> T:
        """The result of `work`, or what it raised; raises OverdueError."""
        if self._overdue >= MOST_OVERDUE:
            raise OverdueError(f"was not begun: {self._overdue} earlier ones have not come back")
        outcome = self._threads.run(carried(work))
        try:
            return outcome.result(self._seconds)
        except TimeoutError:
            if outcome.done():
                return outcome.result()
        with self._lock:
            self._overdue += 1
        outcome.add_done_callback(self._came_back)
        raise OverdueError(f"took longer than {self._seconds:g} seconds")

    def _came_back(self, _outcome: "Future[Any]") -> None:
        with self._lock:
            self._overdue -= 1
