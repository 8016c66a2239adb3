"""`/healthz`: is the process alive? `/readyz`: can it do its work now?

Nobody who asks waits for an answer that takes long: what is answered is what was last found, with its age, while the
question is put again in the background. Each process finds out for itself.
"""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, cast

from flask import Flask, current_app, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.engine import URL

from backend.core.database import separate_engine
from backend.core.readiness_checks import TIMEOUT, Check, CheckState, Component, NotReadyError, Snapshot
from backend.core.settings import Settings

__all__ = ["READINESS", "TIMEOUT", "CheckState", "Component", "NotReadyError", "Readiness", "Snapshot"]

READINESS = "readiness"
#: How long an answer is good for, and how long an asker waits at most for a newer one, in seconds.
REMEMBERED = 1.0
PATIENCE = 0.025


class Readiness:
    """Named checks, and components that report about themselves, that a process needs to do its work."""

    def __init__(self, timeout: float = TIMEOUT, remembered: float = REMEMBERED) -> None:
        self._timeout = timeout
        self._remembered = remembered
        self._parts: dict[str, Check | Component] = {}

    def add(self, name: str, probe: Callable[[], Any], timeout: float | None = None) -> None:
        """Check `probe`, which raises when something is wrong: NotReadyError to say what; of others, the type is told.

        It is called in a thread, without a context, and has failed when it takes longer than `timeout` seconds.
        """
        self._parts[name] = Check(probe, self._timeout if timeout is None else timeout, self._remembered)

    def component(self, name: str, *, required: bool = True) -> Component:
        """The component of this name, which reports what it is: starting (until it says more), ready or failed.

        One that is not `required` is shown, and the process is ready without it.
        """
        return cast(Component, self._parts.setdefault(name, Component(required)))

    def snapshot(self, patience: float = PATIENCE) -> Snapshot:
        """What is known now. Old answers are renewed in the background, for which this waits `patience` seconds."""
        deadline = time.monotonic() + patience
        parts = dict(self._parts)
        for part in parts.values():
            part.refresh()
        for part in parts.values():
            part.wait(deadline - time.monotonic())
        return Snapshot({name: part.state() for name, part in parts.items()})


def readiness() -> Readiness:
    """That of the application at work."""
    return cast(Readiness, current_app.extensions[READINESS])


def install_readiness(app: Flask) -> None:
    """Answer `/healthz` always, and `/readyz` with 200 or 503 by what is added to `app.extensions["readiness"]`."""
    app.extensions[READINESS] = Readiness()
    app.add_url_rule("/healthz", "healthz", lambda: jsonify(status="alive"))
    app.add_url_rule("/readyz", "readyz", lambda: ready_answer(readiness().snapshot()))


def ready_answer(snapshot: Snapshot) -> ResponseReturnValue:
    """The answer of `/readyz`: 200 or 503, with the same body."""
    checks = {
        name: {"state": check.state, "error": check.error, "age": round(check.age, 3)}
        for name, check in snapshot.checks.items()
    }
    status = "ready" if snapshot.is_ready else "not ready"
    response = jsonify(status=status, checks=checks)
    response.headers["Cache-Control"] = "no-store"
    return response, 200 if snapshot.is_ready else 503


def check_database(app: Flask) -> None:
    """Make the application ready only while its database answers, whether or not its pool has a connection left."""
    settings: Settings = app.extensions["settings"]
    engine = separate_engine(settings, patience=TIMEOUT)

    def ask() -> None:
        refuse_missing_file(settings.database_url)
        # Without a transaction, which on SQLite would wait for whoever writes.
        with closing(engine.raw_connection()) as connection:
            connection.cursor().execute("SELECT 1")

    app.extensions[READINESS].add("database", ask)


def refuse_missing_file(url: URL) -> None:
    """Raise NotReadyError where SQLite's file is not there; connecting would make an empty one."""
    if url.drivername == "sqlite" and url.database and url.database != ":memory:" and not Path(url.database).exists():
        raise NotReadyError("The database's file does not exist.")
