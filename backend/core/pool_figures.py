"""The pool of connections to a database: how many there are, in use, waited for, and waited for in vain."""

import threading
from collections.abc import Mapping

from prometheus_client import Counter
from sqlalchemy import Engine
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from backend.core.figures import FIGURES
from backend.core.gauges import Gauges

_TIMEOUTS = Counter(
    "backend_database_pool_timeouts",
    "Requests for a connection that were given up because none became free in time.",
    ["domain"],
    registry=FIGURES,
)


class WatchedPool(QueuePool):
    """A pool that knows how many wait. Who finds a connection free pays one comparison for that."""

    waiting = 0
    domain = ""
    _counting = threading.Lock()

    def _do_get(self) -> ConnectionPoolEntry:
        if self.checkedout() < self.size():
            return super()._do_get()
        self._count(1)
        try:
            return super()._do_get()
        except PoolTimeout:
            _TIMEOUTS.labels(self.domain).inc()
            raise
        finally:
            self._count(-1)

    def recreate(self) -> "WatchedPool":
        """An empty pool in place of this one, after the database went away."""
        pool = super().recreate()
        assert isinstance(pool, WatchedPool)  # noqa: S101 (what the class makes of itself)
        pool.domain = self.domain
        return pool

    def _count(self, change: int) -> None:
        with self._counting:
            self.waiting += change


def watch_pool(engine: Engine, gauges: Gauges, domain: str) -> None:
    """Show the pool of `engine`, unless it is of a kind that has no limit."""

    def read() -> Mapping[tuple[str, ...], float]:
        pool = engine.pool
        if not isinstance(pool, WatchedPool):
            return {}
        return {
            ("size",): pool.size(),
            ("in_use",): pool.checkedout(),
            ("idle",): pool.checkedin(),
            ("waiting",): pool.waiting,
        }

    if isinstance(engine.pool, WatchedPool):
        engine.pool.domain = domain
        _TIMEOUTS.labels(domain)  # from the start, so that the first one is an increase
    gauges.add(
        "backend_database_pool",
        "Connections a pool may have (size), has out (in_use) or ready (idle), and threads waiting for one (waiting).",
        read,
        ("state",),
    )
