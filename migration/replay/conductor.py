"""Sending the steps of a plan, each as soon as what it waits for is done, at most so many at a time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
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
    pace = _Pace(steps[0].exchange.started, speed) if steps else None
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
                if pace is not None:
                    pace.wait(steps[at].exchange.started)
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


class _Pace:
    """Holds exchanges back until they are due."""

    def __init__(self, first: datetime, speed: float) -> None:
        self._first, self._speed = first, speed
        self._began = datetime.now(first.tzinfo)
        self._due = threading.Event()

    def wait(self, recorded: datetime) -> None:
        if self._speed > 0:
            due = (recorded - self._first).total_seconds() / self._speed
            gone = (datetime.now(self._began.tzinfo) - self._began).total_seconds()
            self._due.wait(max(0.0, due - gone))
