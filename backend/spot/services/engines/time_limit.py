"""Calling code that is not ours without waiting for it forever."""

import os
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

from backend.core.request_context import carried

T = TypeVar("T")

MOST_OVERDUE = 4
IDLE_SECONDS = 60.0


class OverdueError(Exception):
    """A call took longer than it may, or was not begun because others still do; the text goes behind its name."""


class TimeLimit:
    """Runs each call in a thread that nobody else uses meanwhile, and waits at most `seconds` for it.

    A thread cannot be stopped. So that calls that never come back don't pile up, nothing more is begun while
    MOST_OVERDUE of them are still running.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._overdue = 0
        self._lock = Lock()
        self._idle: list[_Thread] = []
        self._process = os.getpid()

    def call(self, work: Callable[[], T]) -> T:
        """The result of `work`, or what it raised; raises OverdueError."""
        if self._overdue >= MOST_OVERDUE:
            raise OverdueError(f"was not begun: {self._overdue} earlier ones have not come back")
        outcome: Future[T] = Future()
        self._thread().work.put(partial(carried(_run), work, outcome))
        try:
            return outcome.result(self._seconds)
        except TimeoutError:
            if outcome.done():
                return outcome.result()
        with self._lock:
            self._overdue += 1
        outcome.add_done_callback(self._came_back)
        raise OverdueError(f"took longer than {self._seconds:g} seconds")

    def _thread(self) -> "_Thread":
        """One that waits for work: to start another takes longer than most calls do."""
        if self._process != os.getpid():
            # No thread comes along when a process is forked.
            self._idle, self._process = [], os.getpid()
        try:
            return self._idle.pop()
        except IndexError:
            return _Thread(self._idle)

    def _came_back(self, _outcome: "Future[Any]") -> None:
        with self._lock:
            self._overdue -= 1


class _Thread:
    """A thread that does what is put into `work`. It is among the idle ones while there is nothing, for a while."""

    def __init__(self, idle: "list[_Thread]") -> None:
        self.work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._idle = idle
        Thread(target=self._serve, daemon=True, name="decision-engine").start()

    def _serve(self) -> None:
        while True:
            try:
                work = self.work.get(timeout=IDLE_SECONDS)
            except Empty:
                if self._is_dispensable():
                    return
            else:
                work()
                del work
                self._idle.append(self)

    def _is_dispensable(self) -> bool:
        """Whether nobody has taken it in the last moment; nobody will from now on."""
        try:
            self._idle.remove(self)
        except ValueError:
            return False
        return True


def _run(work: Callable[[], T], outcome: "Future[T]") -> None:
    try:
        outcome.set_result(work())
    except Exception as error:
        outcome.set_exception(error)
    except BaseException as error:
        # Engines that call sys.exit() must not stop the server.
        outcome.set_exception(RuntimeError(f"{type(error).__name__}: {error}"))
