"""Engines are called in threads that are there already, and go when nobody needs them."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread, current_thread

import pytest

from backend.spot.services.engines import time_limit
from backend.spot.services.engines.time_limit import OverdueError, TimeLimit

DEADLINE = 10.0


def test_a_thread_is_used_again() -> None:
    limit = TimeLimit(DEADLINE)
    # It is idle a moment after its answer is there.
    assert len({limit.call(current_thread) for _ in range(100)}) < 10


def test_calls_at_the_same_time_have_a_thread_each() -> None:
    limit, together = TimeLimit(DEADLINE), Barrier(4)

    def work() -> Thread:
        together.wait(DEADLINE)
        return current_thread()

    with ThreadPoolExecutor(4) as callers:
        for _ in range(3):
            assert len({*callers.map(lambda _: limit.call(work), range(4))}) == 4


def test_what_is_idle_for_long_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_limit, "IDLE_SECONDS", 0.01)
    limit = TimeLimit(DEADLINE)
    first = limit.call(current_thread)
    first.join(DEADLINE)
    assert not first.is_alive()
    assert limit.call(current_thread) is not first


def test_one_that_is_overdue_stands_in_nobodys_way() -> None:
    limit, go = TimeLimit(0.05), Event()
    with pytest.raises(OverdueError):
        limit.call(lambda: go.wait(DEADLINE))
    assert limit.call(lambda: "in time") == "in time"
    go.set()


@pytest.mark.parametrize("work", [lambda: 1 // 0, lambda: exit(3)], ids=["fails", "exits"])
def test_a_call_that_fails_takes_no_thread_along(work: Callable[[], object]) -> None:
    limit = TimeLimit(DEADLINE)
    with pytest.raises((ZeroDivisionError, RuntimeError)):
        limit.call(work)
    assert limit.call(lambda: "next") == "next"


def test_a_forked_process_has_threads_of_its_own() -> None:
    limit = TimeLimit(DEADLINE)
    limit.call(current_thread)
    child = os.fork()
    if child == 0:
        os._exit(0 if limit.call(lambda: 7) == 7 else 1)
    assert os.waitpid(child, 0)[1] == 0
