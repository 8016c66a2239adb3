"""A pool of real database connections, one pool per process."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from legacy.sql import errors

Connection = TypeVar("Connection")

_inherited: list[Any] = []
"""Connections that a forked child got from its parent: kept, so that collecting them does not close them."""


class ConnectionPool(Generic[Connection]):
    """At most ``size`` connections, opened when first needed and reused.

    A caller waits up to ``timeout`` seconds for a free one. One that was used before is first put to ``check``, and
    before it is given back it is ``reset``; where either raises it is dropped. After a fork the child starts with an
    empty pool.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        close: Callable[[Connection], None],
        *,
        check: Callable[[Connection], object] = lambda connection: None,
        reset: Callable[[Connection], object] = lambda connection: None,
        size: int,
        timeout: float = 30.0,
    ) -> None:
        if size < 1:
            raise ValueError("a pool needs room for at least one connection")
        self.size = size
        self._connect = connect
        self._close = close
        self._check = check
        self._reset = reset
        self._timeout = timeout
        self._start()

    def _start(self) -> None:
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._idle: list[Connection] = []
        self._in_use = 0

    def _follow_fork(self) -> None:
        if self._process != os.getpid():
            _inherited.append(self._idle)
            self._start()

    @property
    def free(self) -> int:
        """Connections that could be taken now."""
        self._follow_fork()
        return self.size - self._in_use

    @contextmanager
    def connection(self, is_lost: Callable[[Exception], bool]) -> Iterator[Connection]:
        """A connection for the time of the block; dropped instead of kept when an error says that it is lost."""
        self._follow_fork()
        changed = self._changed
        connection = self._take(changed)
        keep = True
        try:
            yield connection
        except Exception as error:
            keep = not is_lost(error)
            raise
        except BaseException:
            keep = False
            raise
        finally:
            keep = keep and self._is_reset(connection)
            if not keep:
                self._close(connection)
            with changed:
                self._in_use -= 1
                if keep:
                    self._idle.append(connection)
                changed.notify()

    def _is_reset(self, connection: Connection) -> bool:
        try:
            self._reset(connection)
        except Exception:
            return False
        return True

    def _take(self, changed: threading.Condition) -> Connection:
        deadline = time.monotonic() + self._timeout
        with changed:
            while self._in_use >= self.size:
                if not changed.wait(deadline - time.monotonic()) and self._in_use >= self.size:
                    raise errors.pool_exhausted()
            self._in_use += 1
            idle = self._idle.pop() if self._idle else None
        try:
            return self._connect() if idle is None else self._checked(idle)
        except BaseException:
            with changed:
                self._in_use -= 1
                changed.notify()
            raise

    def _checked(self, connection: Connection) -> Connection:
        try:
            self._check(connection)
        except BaseException:
            self._close(connection)
            raise
        return connection

    def close(self) -> None:
        """Close the idle connections."""
        self._follow_fork()
        with self._changed:
            idle, self._idle = self._idle, []
        for connection in idle:
            self._close(connection)
