"""Waiting for what happens by itself, with an end to patience."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE_SECONDS = 0.03


def eventually(ask: Callable[[], T], seconds: float = 60.0, until: Callable[[T], object] = bool) -> T:
    """The first answer that `until` accepts, by default a true one; fails after `seconds` with the last one."""
    deadline = time.monotonic() + seconds
    while not until(answer := ask()):
        assert time.monotonic() < deadline, f"not within {seconds} s; last answered: {answer!r}"
        time.sleep(PAUSE_SECONDS)
    return answer
