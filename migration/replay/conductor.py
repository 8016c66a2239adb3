"""Sending the steps of a plan, each as soon as what it waits for is done, at most so many at a time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

from migration.replay.sessions import Step

T = TypeVar("T")


def conduct(
    steps: Sequence[Step], workers: int, prepare: Callable[[Step], Callable[[], T]], speed: float = 0.0
) -> Iterator[tuple[Step, T]]:
    """Yield each step with the result of its job, as they end.

    ``prepare`` is called in the caller's thread when the step's turn has come, and gives the job that a worker does.
    One worker keeps the recorded order. ``speed`` is a multiple of the recorded pace; 0 doesn't wait.
    """
    pace = _Pace(steps, speed)
    waiting = {at: set(step.after) for at, step in enumerate(steps)}
    followers: dict[int, list[int]] = {}
    for at, step in enumerate(steps):
        for earlier in step.after:
            followers.setdefault(earlier, []).append(at)
    done: queue.SimpleQueue[tuple[int, T | BaseException]] = queue.SimpleQueue()

    def work(at: int, job: Callable[[], T]) -> None:
        try:
            done.put((at, job()))
        except BaseException as error:  # handed to the caller's thread, which raises it
            done.put((at, error))

    with ThreadPoolExecutor(workers, thread_name_prefix="replay") as pool:
        ready = [at for at, after in waiting.items() if not after]
        running = 0
        while ready or running:
            while ready and running < workers:
                at = min(ready)
                ready.remove(at)
                pace.wait(at)
                pool.submit(work, at, prepare(steps[at]))
                running += 1
            at, result = done.get()
            running -= 1
            if isinstance(result, BaseException):
                raise result
            for follower in followers.get(at, ()):
                waiting[follower].discard(at)
                if not waiting[follower]:
                    ready.append(follower)
            yield steps[at], result


#: What a fast replay may take for one exchange, and for any burst of them, in seconds.
_EXCHANGE_TAKES = 0.005
_BURST_TAKES = 0.05
_LONGEST_BURST = 0.9


class _Pace:
    """Holds exchanges back until they are due.

    At the recorded pace that is when they were sent. A fast replay sends at once, but keeps together what was recorded
    within one second: systems that write times to the second order rows by them, so a burst that begins shortly before
    a second turns waits for the turn.
    """

    def __init__(self, steps: Sequence[Step], speed: float) -> None:
        self._started = [step.exchange.started for step in steps]
        self._speed = speed
        self._began = datetime.now(UTC)
        self._due = threading.Event()
        self._bursts = self._find_bursts()

    def _find_bursts(self) -> dict[int, int]:
        """The first exchange of each recorded second, with the number of exchanges in that second."""
        bursts: dict[int, int] = {}
        first = 0
        for at, moment in enumerate(self._started):
            if int(moment.timestamp()) != int(self._started[first].timestamp()):
                first = at
            bursts[first] = at - first + 1
        return bursts

    def wait(self, at: int) -> None:
        """Wait until exchange ``at`` is due."""
        now = datetime.now(UTC)
        if self._speed > 0:
            due = (self._started[at] - self._started[0]).total_seconds() / self._speed
            self._due.wait(max(0.0, due - (now - self._began).total_seconds()))
        elif at in self._bursts:
            left = 1.0 - now.microsecond / 1e6
            if left < min(_BURST_TAKES + _EXCHANGE_TAKES * self._bursts[at], _LONGEST_BURST):
                self._due.wait(left)
