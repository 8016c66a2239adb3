"""A dashboard that somebody left open on its first page: it asks by the clock, whatever else there is to do.

What it asks for, and how often, is recorded. That its timers do not wait for answers is not, it is how pages' timers
are. A browser keeps no more than six connections to a server over HTTP/1.1: what is due while they are all in use waits
in line.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, Full, Queue
from threading import Event, Thread

from benchmarks.caller import Caller, get
from benchmarks.servers import Server

#: What the shell, the header and the overview ask for, and how many seconds after they did so before.
ASKED = (
    *(("/api/admin/clients", 60.0), ("/api/admin/stats", 60.0), ("/api/admin/system-health", 60.0)),
    ("/api/notifications?limit=50", 30.0),
    *(("/api/admin/activity", 30.0), ("/api/admin/stats", 30.0), ("/api/admin/clients", 30.0)),
    ("/api/admin/clients/growth?days=30", 30.0),
)
CONNECTIONS = 6
MOST_IN_LINE = 1000
PATIENCE_SECONDS = 3600.0
LOOKING_UP_SECONDS = 1.0
CLOSING_SECONDS = 60.0


@contextmanager
def open_dashboard(server: Server, since: float) -> Iterator[Event]:
    """A dashboard that has been open for `since` seconds. Set the event once nobody measures: it asks no more then.

    Who closes it must see to it that the server answers, or ends, what was asked.
    """
    closing = Event()
    line: Queue[str] = Queue(MOST_IN_LINE)
    threads = [Thread(target=_ask_by_the_clock, args=(line, closing), daemon=True)]
    threads += [Thread(target=_connection, args=(server.port, line, closing), daemon=True) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    try:
        closing.wait(since)
        yield closing
    finally:
        closing.set()
        for thread in threads:
            thread.join(CLOSING_SECONDS)


def _ask_by_the_clock(line: Queue[str], closing: Event) -> None:
    due = [(time.monotonic(), part) for part in range(len(ASKED))]
    while not closing.wait(due[0][0] - time.monotonic()):
        moment, part = due[0]
        path, seconds = ASKED[part]
        heapq.heapreplace(due, (moment + seconds, part))
        with suppress(Full):
            line.put_nowait(path)


def _connection(port: int, line: Queue[str], closing: Event) -> None:
    while not closing.is_set():
        with suppress(Empty, OSError):
            path = line.get(timeout=LOOKING_UP_SECONDS)
            with Caller(port, PATIENCE_SECONDS) as caller:
                caller.call(get(path))
