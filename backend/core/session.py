"""The session of a request: statements in, rows out, on one connection at a time."""

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from flask import g
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, NestedTransaction
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.pool import PoolProxiedConnection

from backend.core.error_translation import refusal_of_mysql
from backend.core.prepared import Plan, Prepared

T = TypeVar("T")

KEPT = "database_session"


class Session:
    """Takes a connection at the first statement and gives it back when the transaction ends.

    It answers rows, never entities: to watch for entities costs more than most requests' own work.
    """

    def __init__(self, engine: Engine) -> None:
        self.bind = engine
        self.info: dict[str, Any] = {}
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Keep what was done, unless it failed."""
        if error is None:
            self.commit()
        else:
            self.rollback()

    def get_bind(self) -> Engine:
        """Where connections come from."""
        return self.bind

    def connection(self) -> Connection:
        """The connection that the transaction runs on."""
        if self._connection is None:
            self._connection = self.bind.connect()
        return self._connection

    def execute(self, statement: Any, params: Any = None) -> Any:
        """Execute a statement, prepared or not; `params` are its parameters. A list of them only suits the latter."""
        return self.connection().execute(_plain(statement), params)

    def write(self, statement: Prepared, params: Mapping[str, Any]) -> int:
        """Execute a statement that answers no rows; how many rows it matched."""
        return self.connection().execute(statement.statement, params).rowcount

    def write_many(self, statement: Prepared, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute a statement for each of `rows`; drivers that can send them together do."""
        self.connection().execute(statement.statement, rows)

    def scalars(self, statement: Any, params: Any = None) -> Any:
        """The first column of what `statement` answers."""
        return self.execute(statement, params).scalars()

    def begin_nested(self) -> NestedTransaction:
        """A savepoint, as a context manager."""
        return self.connection().begin_nested()

    def commit(self) -> None:
        """Keep what was done, if anything was."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with connection:
                connection.commit()

    def rollback(self) -> None:
        """Undo what was done, if anything was."""
        self.close()

    def close(self) -> None:
        """Give the connection back, which undoes what has not been kept."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class MySQLSession(Session):
    """Sends prepared statements to the driver without a detour: its connections begin transactions by themselves."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._dialect = engine.dialect
        self._pooled: PoolProxiedConnection | None = None
        self._loss: Exception | None = None

    def connection(self) -> Connection:
        if self._connection is None:
            self._connection = Connection(self.bind, self._held())
        return self._connection

    def execute(self, statement: Any, params: Any = None) -> Any:
        if not isinstance(statement, Prepared) or isinstance(params, list):
            return super().execute(statement, params)
        plan = statement.plan(self._dialect)
        return self._send(plan, params or {}, lambda cursor: plan.result(cursor.description, cursor.fetchall()))

    def write(self, statement: Prepared, params: Mapping[str, Any]) -> int:
        return self._send(statement.plan(self._dialect), params, lambda cursor: cursor.rowcount)

    def write_many(self, statement: Prepared, rows: Sequence[Mapping[str, Any]]) -> None:
        plan = statement.plan(self._dialect)
        arguments = [plan.arguments(row) for row in rows]
        cursor = self._held().cursor()
        self._translating(lambda: cursor.executemany(plan.sql, arguments))

    def commit(self) -> None:
        if self._connection is not None:
            super().commit()
        elif self._pooled is not None:
            self._translating(self._pooled.commit)
        self.close()

    def close(self) -> None:
        super().close()
        pooled, self._pooled, self._loss = self._pooled, None, None
        if pooled is not None:
            pooled.close()

    def _held(self) -> PoolProxiedConnection:
        if self._loss is not None:
            raise self._loss
        if self._pooled is None:
            self._pooled = self._translating(self.bind.raw_connection)
        return self._pooled

    def _send(self, plan: Plan, params: Mapping[str, Any], answer: Callable[[DBAPICursor], T]) -> T:
        arguments = plan.arguments(params)
        cursor = self._held().cursor()
        self._translating(lambda: cursor.execute(plan.sql, arguments))
        return answer(cursor)

    def _translating(self, work: Callable[[], T]) -> T:
        """Do `work`; complaints of the driver become ours, and a connection that is lost is not used again."""
        try:
            return work()
        except self._dialect.loaded_dbapi.Error as error:
            refusal = refusal_of_mysql(error) or error
            if self._pooled is not None and self._dialect.is_disconnect(error, None, None):
                self._pooled.invalidate(error)
                self._loss = refusal
            if refusal is error:
                raise
            raise refusal from error


def _plain(statement: Any) -> Any:
    return statement.statement if isinstance(statement, Prepared) else statement


def open_session(engine: Engine) -> Session:
    """A session; as a context manager, it keeps what is done inside."""
    return MySQLSession(engine) if engine.dialect.name == "mysql" else Session(engine)


class SessionOfContext:
    """Called, the session of the application context at hand."""

    def __init__(self, database: SQLAlchemy) -> None:
        self._database = database

    def __call__(self) -> Session:
        session: Session | None = g.get(KEPT)
        if session is None:
            session = open_session(self._database.engine)
            setattr(g, KEPT, session)
        return session

    def remove(self) -> None:
        """Close the session, if there is one: the context ends."""
        session: Session | None = g.pop(KEPT, None)
        if session is not None:
            session.close()
