"""Idle connections to one upstream, kept for the next request."""

from __future__ import annotations

import ssl
import time
from collections import deque

from migration.forking import call_in_child
from migration.proxy.breaker import UpstreamBreaker
from migration.proxy.connection import Connection, Upstream, connect
from migration.proxy.figures import ProxyFigures
from migration.proxy.settings import ProxySettings

#: A request that must not be sent twice takes a connection only if it was used in the last moment: servers close idle
#: ones after seconds, and one that closes just while a request is on its way leaves open whether it was carried out.
_RECENT = 1.0


class ConnectionPool:
    """Shared by the threads of a process; each process that is forked begins with an empty one.

    It needs no lock: taking from a deque and adding to it are atomic, and who has taken a connection owns it.
    """

    def __init__(self, upstream: Upstream, settings: ProxySettings, figures: ProxyFigures) -> None:
        self._upstream = upstream
        self.figures = figures
        self._settings = settings
        self.breaker = UpstreamBreaker(f"{upstream.host}:{upstream.port}", settings)
        self._context = ssl.create_default_context() if upstream.scheme == "https" else None
        self._reset()
        call_in_child(self._reset)

    def take(self, *, repeatable: bool) -> Connection:
        """An idle connection that is still good, else a new one.

        ``repeatable`` says whether the request may be sent again if the connection turns out dead.
        """
        now = time.monotonic()
        longest = self._settings.pool_idle_timeout if repeatable else min(_RECENT, self._settings.pool_idle_timeout)
        while (connection := self._pop()) is not None:
            if now - connection.idle_since > longest:
                if repeatable:
                    connection.close()
                    continue
                self._idle.append(connection)  # the others are older still
                break
            if connection.has_news():
                connection.close()
                continue
            connection.reused = True
            return connection
        return self.connect()

    def connect(self) -> Connection:
        """A new connection."""
        connection = self.breaker.call(lambda: connect(self._upstream, self._settings, self._context))
        self.figures.opened()
        self._open.add(connection)
        connection.forget = self._open.discard
        return connection

    def counts(self) -> dict[tuple[str, ...], float]:
        """How many connections are in use and how many are idle."""
        idle = len(self._idle)
        return {("in_use",): max(0, len(self._open) - idle), ("idle",): idle}

    def give_back(self, connection: Connection) -> None:
        """Keep a connection whose exchange is complete."""
        connection.idle_since = now = time.monotonic()
        self._idle.append(connection)
        self._drop_expired(now)

    def _pop(self) -> Connection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _drop_expired(self, now: float) -> None:
        """Close what is too old or too much; the longest idle is at the left."""
        oldest = now - self._settings.pool_idle_timeout
        try:
            while len(self._idle) > self._settings.pool_size or self._idle[0].idle_since < oldest:
                self._idle.popleft().close()
        except IndexError:
            return  # another thread took the last one

    def _reset(self) -> None:
        self._idle: deque[Connection] = deque()
        self._open: set[Connection] = set()
