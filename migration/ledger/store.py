"""Reading and changing the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from migration.ledger import schema
from migration.ledger.errors import LedgerConflictError, LedgerUnavailableError
from migration.ledger.evidence import Evidence, EvidenceBook, read_evidence, write_evidence
from migration.ledger.job_rows import declare as declare_in
from migration.ledger.job_rows import read_jobs
from migration.ledger.jobs import DeclaredJob, Job
from migration.ledger.reader import LedgerReader
from migration.ledger.routes import Change, Route, RouteKey, RouteSet, is_untyped
from migration.ledger.rows import aware, change_of, history_row, new_route, read_routes, unavailable, utc_now
from migration.ledger.state import State

T = TypeVar("T")

#: Longest wait for the ledger's database, in seconds.
_TIMEOUT = 30.0
#: Two processes that start together may create the same rows; the loser looks again.
_ATTEMPTS = 5


class Ledger:
    """The ledger in the database at ``url``. Makes its tables on first use.

    Every method raises :class:`LedgerUnavailableError` when the database can't be used.
    """

    def __init__(self, url: str = schema.DEFAULT_LEDGER_URL) -> None:
        self.url = url
        self._engine: Engine = schema.ledger_engine(url, timeout=_TIMEOUT)
        self._prepared = False

    def reader(self, domain: str) -> LedgerReader:
        """A view of ``domain`` for a serving process, kept current in the background."""
        self._prepare()
        return LedgerReader(self.url, domain)

    def routes(self, domain: str) -> list[Route]:
        """The routes of ``domain``, by rule and method."""
        with self._reading() as connection:
            return read_routes(connection, domain)

    def history(self, domain: str, limit: int = 50) -> list[Change]:
        """The last ``limit`` changes in ``domain``, newest first."""
        table = schema.history
        query = select(table).where(table.c.domain == domain).order_by(table.c.id.desc()).limit(limit)
        with self._reading() as connection:
            return [change_of(row) for row in connection.execute(query).mappings()]

    def seed(self, domain: str, keys: Iterable[RouteKey], *, owner: State = State.LEGACY) -> list[RouteKey]:
        """Enter the routes that are not known yet, owned by ``owner``; return them. Known routes keep everything."""
        wanted = list(keys)
        return _whoever_is_first(lambda: self._seed(domain, wanted, owner))

    def _seed(self, domain: str, wanted: list[RouteKey], owner: State) -> list[RouteKey]:
        added: list[RouteKey] = []
        with self._writing() as connection:
            known = RouteSet((route.method, route.rule) for route in read_routes(connection, domain))
            for key in wanted:
                if key in known or (is_untyped(key[1]) and known.has_like(key)):
                    continue
                known.add(key)
                added.append(key)
            for method, rule in added:
                connection.execute(insert(schema.routes).values(new_route(domain, method, rule, owner)))
            if added:
                _bump(connection)
        return added

    def set_native(self, domain: str, keys: Iterable[RouteKey]) -> None:
        """Note which routes of ``domain`` the native side implements: those in ``keys``, and no others."""
        native = RouteSet(keys)
        with self._writing() as connection:
            changed = [
                route
                for route in read_routes(connection, domain)
                if route.native_available != native.has_like((route.method, route.rule))
            ]
            for route in changed:
                connection.execute(
                    update(schema.routes)
                    .where(schema.routes.c.id == route.id)
                    .values(native_available=not route.native_available)
                )
            if changed:
                _bump(connection)

    def add_evidence(self, domain: str, evidence: Sequence[Evidence]) -> None:
        """Keep what a run showed of routes of ``domain``; of each route the newest :data:`~evidence.KEPT` runs stay."""
        with self._writing() as connection:
            write_evidence(connection, domain, evidence)

    def evidence(self, domain: str) -> EvidenceBook:
        """The newest evidence of each route of ``domain``."""
        with self._reading() as connection:
            return EvidenceBook(read_evidence(connection, domain))

    def jobs(self, domain: str) -> list[Job]:
        """The jobs of ``domain``, by name."""
        with self._reading() as connection:
            return read_jobs(connection, domain)

    def declare_jobs(self, domain: str, declared: Iterable[DeclaredJob], *, owner: State = State.LEGACY) -> None:
        """Enter the jobs that are not known yet, owned by ``owner``, and note which ones the native side implements."""
        wanted = list(declared)

        def declare() -> None:
            with self._writing() as connection:
                if declare_in(connection, domain, wanted, owner):
                    _bump(connection)

        _whoever_is_first(declare)

    def move(self, moves: Sequence[tuple[Route | Job, State]], *, who: str, why: str) -> list[Change]:
        """Give each route or job its new state, all or none, if it is still in the state that it shows.

        Raises :class:`LedgerConflictError` when somebody changed one of them in the meantime.
        """
        now = utc_now()
        changes = []
        with self._writing() as connection:
            for route, after in sorted(moves, key=lambda move: move[0].id):  # one order, so that writers don't deadlock
                table = schema.jobs if isinstance(route, Job) else schema.routes
                result = connection.execute(
                    update(table)
                    .where(table.c.id == route.id, table.c.state == route.state.value)
                    .values(state=after.value, updated=now, who=who, why=why)
                )
                if result.rowcount != 1:
                    raise LedgerConflictError(
                        f"{route.name} was changed by somebody else at the same moment, so nothing was changed. "
                        f"Look at `cutover {'jobs' if isinstance(route, Job) else 'routes'}` and try again."
                    )
                change = Change(route.domain, route.method, route.rule, route.state, after, who, aware(now), why)
                connection.execute(insert(schema.history).values(history_row(change, now)))
                changes.append(change)
            if changes:
                _bump(connection)
        return changes

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        self._prepare()
        with unavailable(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        self._prepare()
        with unavailable(), self._engine.connect() as plain:
            connection = plain.execution_options(writes=True)
            with connection.begin():
                yield connection

    def _prepare(self) -> None:
        if self._prepared:
            return
        for attempt in range(_ATTEMPTS):
            try:
                with unavailable():
                    self._create_tables()
                break
            except (LedgerUnavailableError, IntegrityError):
                # Another process may just have made the same table or row.
                if attempt + 1 == _ATTEMPTS:
                    raise
                time.sleep(0.05 * (attempt + 1))
        self._prepared = True

    def _create_tables(self) -> None:
        with self._engine.connect().execution_options(writes=True) as connection, connection.begin():
            schema.metadata.create_all(connection)
            if connection.execute(select(schema.version.c.value)).first() is None:
                connection.execute(insert(schema.version).values(id=1, value=1))


def _whoever_is_first(work: Callable[[], T]) -> T:
    """Do ``work``, again if somebody else entered the same rows meanwhile."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return work()
        except IntegrityError as error:
            if attempt == _ATTEMPTS:
                raise LedgerConflictError("Others keep seeding the ledger at the same moment; try again.") from error
            time.sleep(0.05 * attempt)
    raise AssertionError("the last attempt returns or raises")


def _bump(connection: Connection) -> None:
    connection.execute(update(schema.version).where(schema.version.c.id == 1).values(value=schema.version.c.value + 1))
