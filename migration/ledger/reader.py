"""The ledger as a serving process sees it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from migration.forking import call_in_child
from migration.ledger import schema
from migration.ledger.job_rows import read_jobs
from migration.ledger.jobs import Job
from migration.ledger.rows import read_routes, read_version
from migration.ledger.table import RoutingTable

log = logging.getLogger(__name__)

#: How often the ledger's version is looked at, in seconds: a change is seen after at most this and one query.
_INTERVAL = 0.25
#: Longest wait of the background thread for the database, in seconds.
_TIMEOUT = 2.0
#: How long the first request of a process waits for the first look at the ledger, in seconds.
_FIRST_LOOK = 1.0


class LedgerReader:
    """The current routing table of one domain, and the owners of its jobs.

    A thread of each process looks at the ledger's version and reads them again when it has changed. Requests
    never wait for the database, except the first one of a process. While the ledger can't be reached, the last table
    that was read stays in force; a process that has never read one leaves everything to legacy.
    """

    def __init__(self, url: str, domain: str, interval: float = _INTERVAL) -> None:
        self._domain = domain
        self._interval = interval
        self._engine = schema.ledger_engine(url, timeout=_TIMEOUT)
        self._table = RoutingTable()
        self._jobs: Mapping[str, Job] = {}
        self._seen: int | None = None
        self._seen_at = 0.0
        self._reset()
        call_in_child(self._reset)

    def table(self) -> RoutingTable:
        """The table now in force."""
        if not self._looked.is_set():
            self._start()
        return self._table

    def jobs(self) -> Mapping[str, Job]:
        """The jobs by name, with the owners now in force."""
        if not self._looked.is_set():
            self._start()
        return self._jobs

    def routes_by_state(self) -> dict[tuple[str, ...], float]:
        """How many routes of the table now in force each state has; nothing before the first one was read."""
        if self._seen is None:
            return {}
        return {(state.value,): count for state, count in self._table.counts.items()}

    def generation(self) -> dict[tuple[str, ...], float]:
        """The version of the ledger that is in force here; nothing before the first one was read."""
        return {} if self._seen is None else {(): self._seen}

    def age(self) -> dict[tuple[str, ...], float]:
        """Seconds since the ledger was last found to say what is in force here; nothing before that."""
        return {} if self._seen is None else {(): time.monotonic() - self._seen_at}

    def close(self) -> None:
        """Stop looking; the last table stays."""
        self._looked.set()
        self._stopped.set()

    def _reset(self) -> None:
        self._starting = threading.Lock()
        self._looked = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._watch, args=(self._looked, self._stopped), name="ledger-reader", daemon=True
                )
                self._thread.start()
        self._looked.wait(_FIRST_LOOK)
        self._looked.set()  # a database that hangs delays only the first request

    def _watch(self, looked: threading.Event, stopped: threading.Event) -> None:
        connection: Connection | None = None
        seen: int | None = None
        reachable = True
        while not stopped.is_set():
            try:
                connection = connection or self._engine.connect()
                seen = self._look(connection, seen)
                if not reachable:
                    log.warning("The ledger can be read again.")
                reachable = True
            except Exception as error:  # whatever it is, the process keeps serving
                if reachable:
                    log.warning("The ledger can't be read; the last known routes stay in force: %s", _cause(error))
                reachable = False
                _discard(connection)
                connection = None
            looked.set()
            stopped.wait(self._interval)
        _discard(connection)

    def _look(self, connection: Connection, seen: int | None) -> int:
        with connection.begin():  # one snapshot for all queries
            current = read_version(connection)
            if current != seen:
                self._table = RoutingTable(read_routes(connection, self._domain))
                self._jobs = {job.name: job for job in read_jobs(connection, self._domain)}
        self._seen, self._seen_at = current, time.monotonic()
        return current


def _cause(error: Exception) -> object:
    """The driver's own words: SQLAlchemy's text repeats the statement."""
    return getattr(error, "orig", None) or error


def _discard(connection: Connection | None) -> None:
    if connection is not None:
        try:
            connection.invalidate()
            connection.close()
        except SQLAlchemyError:
            log.debug("A broken ledger connection could not be closed.", exc_info=True)
