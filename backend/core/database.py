"""How the applications reach their database, and what every connection is told first."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask, has_request_context, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import NullPool

from backend.core.collation import add_to_sqlite
from backend.core.database_errors import DEADLOCK
from backend.core.error_translation import translate
from backend.core.errors import RequestRefusedError
from backend.core.metrics import DOMAIN, GAUGES
from backend.core.pool_figures import WatchedPool, watch_pool
from backend.core.postgresql import connect_arguments, prepare_postgresql
from backend.core.session import Session
from backend.core.sessions import SessionOfContext
from backend.core.settings import Settings, SettingsError

T = TypeVar("T")

DEADLOCK_ATTEMPTS = 5
AFTER_COMMIT = "after_commit"
#: By the module of a driver, what brings it.
EXTRAS: dict[str | None, str] = {"pymysql": "mysql", "psycopg": "postgres"}
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
# Setting the isolation level turned autocommit off: with it off, whoever has read keeps tables from being altered.
MYSQL_SESSION = (
    "SET autocommit = 1, time_zone = '+00:00', collation_connection = 'utf8mb4_unicode_ci', "
    "sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"
)


class Database(SQLAlchemy):
    """The database of one domain; `base` is the parent of the domain's models, which describe its tables."""

    session: SessionOfContext  # type: ignore[assignment]

    def __init__(self, base: type[DeclarativeBase]) -> None:
        super().__init__(model_class=base)
        self.session = SessionOfContext(self)


def install_database(app: Flask, database: Database) -> None:
    """Connect `database` to `app` as its settings say. No connection is opened yet. Raises SettingsError."""
    settings: Settings = app.extensions["settings"]
    if settings.database_url.drivername == "sqlite" and settings.database_url.database:
        _make_directory(Path(settings.database_url.database).parent)
    app.config["SQLALCHEMY_DATABASE_URI"] = _complete(settings.database_url)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = _engine_options(settings)
    try:
        database.init_app(app)
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"DATABASE_URL needs the driver {error.name}, which is not installed: "
            f"pip install 'cutover[{EXTRAS.get(error.name, error.name)}]'."
        ) from error
    with app.app_context():
        _listen(database.engine, settings)
        watch_pool(database.engine, app.extensions[GAUGES], app.extensions[DOMAIN])


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"DATABASE_URL names a file in {directory}, which can't be made: {error.strerror}."
        ) from error


def separate_engine(settings: Settings, patience: float) -> Engine:
    """An engine that waits for no connection of the application's pool and keeps none of its own between uses.

    `patience` is the longest wait for a server, in seconds; SQLite's lock is waited for as long as ever.
    """
    options = {name: value for name, value in _engine_options(settings).items() if not name.startswith("pool")}
    del options["max_overflow"]
    seconds = max(1, round(patience))
    if settings.database_url.get_backend_name() == "mysql":
        options["connect_args"] |= {"connect_timeout": seconds, "read_timeout": seconds, "write_timeout": seconds}
    elif settings.database_url.get_backend_name() == "postgresql":
        options["connect_args"] |= {"connect_timeout": seconds, "tcp_user_timeout": seconds * 1000}
    engine = create_engine(_complete(settings.database_url), poolclass=NullPool, **options)
    _listen(engine, settings)
    return engine


def run_and_commit(session: Session, work: Callable[[], T]) -> T:
    """Run `work` in one transaction: all of it is kept, or nothing.

    A refusal is an answer: what was written on the way to it, such as the record of the attempt, is kept. The loser of
    a deadlock has lost its whole transaction, so its work is simply done again.
    """
    for attempt in range(1, DEADLOCK_ATTEMPTS + 1):
        try:
            return _work_and_commit(session, work)
        except RequestRefusedError:
            raise
        except Exception as error:
            session.rollback()
            session.info.pop(AFTER_COMMIT, None)
            if getattr(error, "errno", None) != DEADLOCK or attempt == DEADLOCK_ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def after_commit(session: Session, work: Callable[[], object]) -> None:
    """Do `work`, which must not fail, when run_and_commit has kept the transaction at work, and only then."""
    session.info.setdefault(AFTER_COMMIT, []).append(work)


def _work_and_commit(session: Session, work: Callable[[], T]) -> T:
    try:
        answer = work()
    except RequestRefusedError:
        _commit(session)
        raise
    _commit(session)
    return answer


def _commit(session: Session) -> None:
    session.commit()
    for work in session.info.pop(AFTER_COMMIT, ()):
        work()


def _complete(url: URL) -> URL:
    return url.update_query_dict({"charset": "utf8mb4"}) if url.get_backend_name() == "mysql" else url


def _engine_options(settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "poolclass": WatchedPool,
        "pool_size": settings.pool_size,
        "max_overflow": 0,
        "pool_use_lifo": True,
        "pool_timeout": settings.pool_timeout,
        # What statements are given may be tokens; they must not get into errors, and so into the log.
        "hide_parameters": True,
    }
    if settings.database_url.drivername == "sqlite":
        # Transactions are begun by _begin_sqlite, so the driver must not begin its own.
        options["connect_args"] = {"timeout": settings.busy_timeout, "isolation_level": None}
        return options
    options |= {"pool_pre_ping": True, "pool_recycle": 1800, "isolation_level": "READ COMMITTED"}
    if settings.database_url.get_backend_name() == "mysql":
        options["connect_args"] = {
            "autocommit": True,
            "connect_timeout": 10,
            "read_timeout": 60,
            "write_timeout": 60,
        }
    else:
        options["connect_args"] = connect_arguments()
    return options


def _listen(engine: Engine, settings: Settings) -> None:
    event.listen(engine, "handle_error", translate)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    elif engine.dialect.name == "mysql":
        # Its driver is only installed where it is needed.
        from backend.core.mysql_connection import connect

        event.listen(engine, "do_connect", connect)
        event.listen(engine, "connect", _prepare_mysql)
    else:
        prepare_postgresql(engine)


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    add_to_sqlite(connection)
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _prepare_mysql(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(MYSQL_SESSION)
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """Whoever may write takes the write lock at once: a reader that turns writer can lose its turn for good."""
    reads_only = has_request_context() and request.method in SAFE_METHODS
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
