"""A dashboard that somebody left open on its first page: it asks again and again, whatever else there is to do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
PATIENCE_SECONDS = 3600.0
CLOSING_SECONDS = 60.0


@contextmanager
def open_dashboard(server: Server) -> Iterator[Event]:
    """A dashboard that has begun to ask. Set the event once nobody measures any more: it asks no more then.

    Who closes it must see to it that the server answers, or ends, what was asked.
    """
    closing = Event()
    parts = [(Event(), path, seconds) for path, seconds in ASKED]
    asking = [Thread(target=_ask, args=(server.port, *part, closing), daemon=True) for part in parts]
    for thread in asking:
        thread.start()
    if not all(asked.wait(CLOSING_SECONDS) for asked, *_ in parts):
        raise TimeoutError("the dashboard does not get through to the server")
    try:
        yield closing
    finally:
        closing.set()
        for thread in asking:
            thread.join(CLOSING_SECONDS)


def _ask(port: int, asked: Event, path: str, seconds: float, closing: Event) -> None:
    """A browser would ask every time; this one waits for its answer first, which spares the server."""
    while not closing.is_set():
        began = time.monotonic()
        with suppress(OSError), Caller(port, PATIENCE_SECONDS) as caller:
            caller.send(get(path))
            asked.set()
            caller.receive()
        closing.wait(seconds - (time.monotonic() - began))
