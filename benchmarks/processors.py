"""Keeping what is measured and what measures it on processors of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

#: What this process may use; with one processor, everything shares it.
AVAILABLE = sorted(os.sched_getaffinity(0))
#: For the server under measurement.
SERVER = {AVAILABLE[-1]}
#: For clients and for servers that stand behind the measured one.
REST = set(AVAILABLE[:-1]) or SERVER


@contextmanager
def confined_to(processors: set[int]) -> Iterator[None]:
    """Run this thread, and what it starts, on ``processors``."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, processors)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
