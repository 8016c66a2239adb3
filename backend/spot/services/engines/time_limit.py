"""Calling code that is not ours without waiting for it forever."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Any, TypeVar

from backend.core.request_context import carried

T = TypeVar("T")

MOST_OVERDUE = 4


class OverdueError(Exception):
    """A call took longer than it may, or was not begun because others still do; the text goes behind its name."""


class TimeLimit:
    """Runs each call in a thread of its own and waits at most `seconds` for it.

    A thread cannot be stopped. So that calls that never come back don't pile up, nothing more is begun while
    MOST_OVERDUE of them are still running.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._overdue = 0
        self._lock = Lock()

    def call(self, work: Callable[[], T]) -> T:
        """The result of `work`, or what it raised; raises OverdueError."""
        if self._overdue >= MOST_OVERDUE:
            raise OverdueError(f"was not begun: {self._overdue} earlier ones have not come back")
        outcome: Future[T] = Future()
        Thread(target=carried(_run), args=(work, outcome), daemon=True, name="decision-engine").start()
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


def _run(work: Callable[[], T], outcome: "Future[T]") -> None:
    try:
        outcome.set_result(work())
    except Exception as error:
        outcome.set_exception(error)
    except BaseException as error:
        # Engines that call sys.exit() must not stop the server.
        outcome.set_exception(RuntimeError(f"{type(error).__name__}: {error}"))
