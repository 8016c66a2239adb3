"""The session of a request: statements in, rows out, on one connection at a time."""

from typing import Any

from flask_sqlalchemy.session import Session
from sqlalchemy import Connection, NestedTransaction


class RowSession(Session):
    """Takes a connection at the first statement and gives it back when the transaction ends.

    It answers rows, never entities: to watch for entities costs more than most requests' own work.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._held: Connection | None = None

    def connection(self, *_: Any, **__: Any) -> Connection:
        """The connection that the transaction runs on."""
        if self._held is None:
            self._held = self._db.engine.connect()
        return self._held

    def execute(self, statement: Any, params: Any = None, **_: Any) -> Any:
        """Execute a statement; `params` are its parameters, or a list of them."""
        return self.connection().execute(statement, params)

    def scalars(self, statement: Any, params: Any = None, **_: Any) -> Any:
        """The first column of what `statement` answers."""
        return self.connection().scalars(statement, params)

    def begin_nested(self) -> NestedTransaction:  # type: ignore[override]
        """A savepoint, as a context manager."""
        return self.connection().begin_nested()

    def commit(self) -> None:
        """Keep what was done, if anything was."""
        held, self._held = self._held, None
        if held is not None:
            with held:
                held.commit()

    def rollback(self) -> None:
        """Undo what was done, if anything was."""
        self.close()

    def close(self) -> None:
        """Give the connection back, which undoes what has not been kept."""
        held, self._held = self._held, None
        if held is not None:
            held.close()
