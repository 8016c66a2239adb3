"""Rows that are written a moment after what they tell of, many with one statement, by a thread of their own."""

import atexit
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prometheus_client import Counter

from backend.core.figures import FIGURES
from backend.core.gauges import Gauges

#: How long rows are gathered, and how long is waited after they could not be written, in seconds.
GATHERING_SECONDS, RETRY_SECONDS = 0.05, 1.0
#: How long the end of the process waits for the rows that are left, in seconds.
PATIENCE = 5.0
MOST_WAITING = 5000
MOST_AT_ONCE = 500

Row = Mapping[str, Any]

_NO_ROOM = Counter(
    "backend_rows_behind_no_room",
    "Rows that were not taken because too many waited: requests had to write them.",
    ["domain", "table"],
    registry=FIGURES,
)
_log = logging.getLogger("backend.rows_behind")


class RowsBehind:
    """Takes rows for `table`, which `write` puts there: all it is given or none, and again those it has put there.

    A kill loses what was taken within GATHERING_SECONDS before, or longer while the database is away.
    """

    def __init__(self, domain: str, table: str, write: Callable[[Sequence[Row]], None]) -> None:
        self.table = table
        self._write = write
        self._no_room = _NO_ROOM.labels(domain, table)
        self._begin()
        _every.add(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._rows: list[Row] = []
        self._writer: threading.Thread | None = None
        self._hurry = threading.Event()
        self._is_in_trouble = False

    @property
    def waiting(self) -> int:
        """How many rows are still to be written."""
        return len(self._rows)

    def take(self, row: Row) -> bool:
        """Take a row, or say that there is no room for it: then its sender has to write it."""
        with self._lock:
            if len(self._rows) >= MOST_WAITING or self._hurry.is_set():
                self._no_room.inc()
                return False
            self._rows.append(row)
            if self._writer is None:
                writer = threading.Thread(target=self._work, name=f"{self.table}-behind", daemon=True)
                writer.start()
                self._writer = writer
        return True

    def end(self, patience: float = PATIENCE) -> None:
        """Take no more rows and wait until those that were taken are written, but not for ever. Once is enough."""
        with self._lock:
            if self._hurry.is_set():
                return
            self._hurry.set()
            writer = self._writer
        if writer is not None:
            writer.join(patience)
            if self._rows:
                _log.error("rows are lost", extra={"table": self.table, "rows": len(self._rows)})

    def _work(self) -> None:
        """Until nothing waits: the next row is another thread's."""
        pause = GATHERING_SECONDS
        while True:
            self._hurry.wait(pause)
            rows = self._rows[:MOST_AT_ONCE]
            try:
                self._write(rows)
            except Exception as error:
                self._complain(error)
                if self._hurry.is_set():
                    return
                pause = RETRY_SECONDS
                continue
            self._is_in_trouble = False
            with self._lock:
                del self._rows[: len(rows)]
                if not self._rows:
                    self._writer = None
                    return
            pause = GATHERING_SECONDS if len(self._rows) < MOST_AT_ONCE else 0.0

    def _complain(self, error: Exception) -> None:
        if not self._is_in_trouble:
            _log.warning("rows can't be written yet", extra={"table": self.table, "error": str(error)})
        self._is_in_trouble = True


def show_rows_behind(gauges: Gauges, rows: RowsBehind) -> None:
    """Show how many rows wait."""
    text = "Rows that were taken and are still to be written."
    gauges.add("backend_rows_behind", text, lambda: {(rows.table,): rows.waiting}, ["table"])


_every: "weakref.WeakSet[RowsBehind]" = weakref.WeakSet()


def _after_fork() -> None:
    """What waits in the parent is the parent's to write."""
    for rows in list(_every):
        rows._begin()


def _at_exit() -> None:
    deadline = time.monotonic() + PATIENCE
    for rows in list(_every):
        rows.end(max(0.0, deadline - time.monotonic()))


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
