"""Threads for calls of code that is not ours.

A thread that came back is used again: to start one takes longer than most calls do.
"""

from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

T = TypeVar("T")

IDLE_SECONDS = 30.0
NAME = "decision-engine"


class CallThreads:
    """Runs each call in a thread that does nothing else meanwhile. Threads that wait for calls end after a while."""

    def __init__(self) -> None:
        self._idle: list[_CallThread] = []
        self._lock = Lock()

    def run(self, work: Callable[[], T]) -> "Future[T]":
        """Begin `work`, and return what will have its result, or what it raised."""
        outcome: Future[T] = Future()
        thread = self._idle_one()
        if thread is None:
            thread = _CallThread(self._idle, self._lock)
            thread.start()
        thread.calls.put((work, outcome))
        return outcome

    def _idle_one(self) -> "_CallThread | None":
        with self._lock:
            while self._idle:
                thread = self._idle.pop()
                # A forked process has none of its parent's threads.
                if thread.is_alive():
                    return thread
        return None


class _CallThread(Thread):
    """It must not know more than its call while there is one: engines that nobody uses any more are forgotten."""

    def __init__(self, idle: "list[_CallThread]", lock: Lock) -> None:
        super().__init__(daemon=True, name=NAME)
        self.calls: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        self._idle = idle
        self._lock = lock

    def run(self) -> None:
        """Carry out calls until none comes for IDLE_SECONDS."""
        while True:
            try:
                self._carry_out(*self.calls.get(timeout=IDLE_SECONDS))
            except Empty:
                with self._lock:
                    if self in self._idle:
                        self._idle.remove(self)
                        return

    def _carry_out(self, work: Callable[[], Any], outcome: "Future[Any]") -> None:
        try:
            result = work()
        except Exception as error:
            self._wait_for_calls()
            outcome.set_exception(error)
        except BaseException as error:
            # Engines that call sys.exit() must not stop the server.
            self._wait_for_calls()
            outcome.set_exception(RuntimeError(f"{type(error).__name__}: {error}"))
        else:
            self._wait_for_calls()
            outcome.set_result(result)

    def _wait_for_calls(self) -> None:
        """Before anybody knows the outcome: who asks again at once finds this thread idle."""
        with self._lock:
            self._idle.append(self)
