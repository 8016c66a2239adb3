"""Waiting for a turn: first come, first served, one at a time, and only so many wait."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class LineFullError(Exception):
    """As many wait as may."""


class Turn:
    """A place in the line. It is had once `wait` returns, until it is left."""

    def __init__(self) -> None:
        self._called = asyncio.Event()

    async def wait(self) -> None:
        """Return when it is this one's turn."""
        await self._called.wait()

    def call(self) -> None:
        """Let `wait` return."""
        self._called.set()


class Turns:
    """The line. The first in it has the turn; at most `limit` wait behind it."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._line: list[Turn] = []

    @property
    def waiting(self) -> int:
        """How many wait."""
        return max(0, len(self._line) - 1)

    @property
    def taken(self) -> bool:
        """Whether somebody has the turn."""
        return bool(self._line)

    def position(self, turn: Turn) -> int:
        """How many are before `turn`."""
        return self._line.index(turn)

    @contextmanager
    def join(self, *, urgent: bool = False) -> Iterator[Turn]:
        """Stand in line until the context is left. Raises LineFullError; an urgent one is next, and always let in."""
        if not urgent and self._line and self.waiting >= self.limit:
            raise LineFullError
        turn = Turn()
        self._line.insert(1 if urgent and self._line else len(self._line), turn)
        self._call_first()
        try:
            yield turn
        finally:
            self._line.remove(turn)
            self._call_first()

    def _call_first(self) -> None:
        if self._line:
            self._line[0].call()
