"""State that a child process must not inherit."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable


def call_in_child(method: Callable[[], None]) -> None:
    """Call the bound ``method`` in every process forked from now on, as long as its object lives.

    For objects with locks, threads or sockets: threads don't survive a fork, a lock may survive it locked, and a
    socket would be used by two processes at once.
    """
    weak = weakref.WeakMethod(method)

    def call() -> None:
        bound = weak()
        if bound is not None:
            bound()

    os.register_at_fork(after_in_child=call)
