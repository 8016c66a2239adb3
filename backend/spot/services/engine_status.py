"""Which decision engine is at work, and what was uploaded."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, current_app
from sqlalchemy import select

from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.spot.models import ModelUploadSession, db
from backend.spot.services.engines.host import EngineHost
from backend.spot.services.engines.in_force import MODELS, NEWEST_ENGINE_UPLOAD
from backend.spot.services.file_store import StoredFile, stored_files

T = TypeVar("T")
Uploads = tuple[list[StoredFile], list[StoredFile]]

MOST_FILES = 10
FILES_OF_SESSIONS = Prepared(select(ModelUploadSession.stored_files).where(ModelUploadSession.session_type == MODELS))

_log = logging.getLogger("backend.spot.engine")


@dataclass(frozen=True)
class EngineStatus:
    """Whether an engine is loaded, and which: the name of its class and its version."""

    loaded: bool
    type: str
    version: str


def current(app: Flask | None = None) -> EngineStatus:
    """The engine that decides in `app`, by default in the application at work."""
    host: EngineHost = (app or current_app).extensions["engine_host"]
    engine = _if_database_answers(host.engine, host.loaded)
    if engine is None:
        return EngineStatus(False, "None", "N/A")
    return EngineStatus(True, engine.type, engine.version)


def uploaded_files() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The Python files of the uploaded engine, and the files of all model sessions: of each the newest 10.

    Each has a name, a size in bytes and a time of upload.
    """
    nothing: Uploads = ([], [])
    engines, models = _if_database_answers(_uploads, nothing)
    return _shown([file for file in engines if file.name.lower().endswith(".py")]), _shown(models)


def _uploads(session: Session) -> Uploads:
    engine, sessions = session.execute_together((NEWEST_ENGINE_UPLOAD, {}), (FILES_OF_SESSIONS, {}))
    of_engine, of_sessions = (
        [file for files in found for file in stored_files(files)]
        for found in ([row.stored_files for row in engine], sessions.scalars())
    )
    return of_engine, of_sessions


def _shown(files: list[StoredFile]) -> list[dict[str, Any]]:
    """Of files with one name the newest."""
    oldest_first = sorted(files, key=lambda file: file.stored_at)
    newest = sorted({file.name: file for file in oldest_first}.values(), key=lambda file: file.stored_at, reverse=True)
    return [{"name": file.name, "size": file.size, "modified": file.stored_at} for file in newest[:MOST_FILES]]


def _if_database_answers(ask: Callable[[Session], T], otherwise: T) -> T:
    """The state of the system is told even when the database is gone."""
    try:
        return ask(db.session())
    except Exception:
        _log.exception("the database does not answer")
        db.session().rollback()
        return otherwise
