"""The session of a request: statements in, rows out, on one connection at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Engine

from backend.core.database_errors import DEADLOCK, StatementRefusedError
from backend.core.prepared import Prepared

Loss = Callable[[str], None]
Query = tuple[Prepared, Mapping[str, Any]]
Found = list[dict[str, Any]]


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
        """Execute a statement, prepared or not, and answer its rows; `params` are its parameters."""
        plain = statement.statement if isinstance(statement, Prepared) else statement
        return self.connection().execute(plain, params)

    def dicts(self, statement: Any, params: Any = None) -> Found:
        """The rows that `statement` answers, each as a dict by the names of its columns."""
        return [dict(row) for row in self.execute(statement, params).mappings()]

    def ask_ahead(self, statement: Prepared, params: Mapping[str, Any]) -> Callable[[], Any]:
        """Ask a query whose answer is wanted later, in the same transaction: what is returned answers a list of rows.
        Where possible nobody waits for the server meanwhile.
        """
        rows = self.execute(statement, params).all()
        return lambda: rows

    def execute_together(self, *queries: Query) -> list[Any]:
        """What each of several statements, with its parameters, answers; where possible with one wait for all."""
        return [self.execute(statement, params) for statement, params in queries]

    def dicts_of_each(self, *queries: Query) -> list[Found | Exception]:
        """The rows of each of several queries as `dicts` answers them, or why it failed: the others survive that.

        To be asked before anything is written: a failure undoes the transaction.
        """
        answers: list[Found | Exception] = []
        for number, (statement, params) in enumerate(queries):
            try:
                self.connection()
            except Exception as error:
                # The next one would only wait as long once more.
                return [*answers, *[error] * (len(queries) - number)]
            try:
                answers.append(self.dicts(statement, params))
            except Exception as error:
                self.rollback()
                answers.append(error)
        return answers

    def scalars(self, statement: Any, params: Any = None) -> Any:
        """The first column of what `statement` answers."""
        return self.execute(statement, params).scalars()

    def write(self, statement: Prepared, params: Mapping[str, Any], loss: Loss | None = None) -> None:
        """Execute a statement whose answer is of no interest, before the next one that has an answer, or the commit.

        With `loss`, which is told why, the statement may as well fail. A deadlock is raised even then: it has undone
        the whole transaction.
        """
        if loss is None:
            self.connection().execute(statement.statement, params)
            return
        try:
            with self.undone_alone():
                self.connection().execute(statement.statement, params)
        except StatementRefusedError as refusal:
            if refusal.errno == DEADLOCK:
                raise
            loss(str(refusal))

    def change(self, statement: Prepared, params: Mapping[str, Any]) -> int:
        """Execute a statement that changes rows at once; how many it was about, changed or not."""
        # SQLAlchemy forgets how many rows an INSERT has made, unless it is told not to.
        options = {"preserve_rowcount": True}
        rowcount: int = self.connection().execute(statement.statement, params, execution_options=options).rowcount
        return rowcount

    def write_many(self, statement: Prepared, rows: Sequence[Mapping[str, Any]]) -> None:
        """Like `write`, for each of `rows`: parameters that all have the same names."""
        self.connection().execute(statement.statement, rows)

    def flush(self) -> None:
        """Execute what was to be written: whoever wants to survive its failure has to wait for it."""

    @contextmanager
    def begin_nested(self) -> Iterator[None]:
        """A savepoint: where the inside fails, only what it did is undone."""
        self.flush()
        with self.connection().begin_nested():
            yield
            self.flush()

    @contextmanager
    def undone_alone(self) -> Iterator[None]:
        """What fails inside may be survived: the transaction goes on. Only PostgreSQL needs a savepoint for that."""
        if self.bind.dialect.name == "postgresql":
            with self.begin_nested():
                yield
        else:
            yield
            self.flush()

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
