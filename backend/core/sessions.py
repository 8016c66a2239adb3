"""Opening sessions, and keeping one for each application context."""

from functools import cache
from typing import cast

from flask import g
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine

from backend.core.session import Session

KEPT = "database_session"


def open_session(engine: Engine) -> Session:
    """A session; as a context manager, it keeps what is done inside."""
    return _mysql_session()(engine) if engine.dialect.name == "mysql" else Session(engine)


@cache
def _mysql_session() -> type[Session]:
    # Its driver is only installed where it is needed.
    from backend.core.mysql_session import MySQLSession

    return MySQLSession


class SessionOfContext:
    """Called, the session of the application context at hand."""

    def __init__(self, database: SQLAlchemy) -> None:
        self._database = database

    def __call__(self) -> Session:
        session = g.get(KEPT)
        if session is None:
            session = open_session(self._database.engine)
            setattr(g, KEPT, session)
        return cast(Session, session)

    def remove(self) -> None:
        """Close the session, if there is one: the context ends."""
        session: Session | None = g.pop(KEPT, None)
        if session is not None:
            session.close()
