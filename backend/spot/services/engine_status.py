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
from backend.spot.services.engines.in_force import MODELS, newest_engine
from backend.spot.services.file_store import StoredFile, stored_files

T = TypeVar("T")

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


def engine_files() -> list[dict[str, Any]]:
    """Name, size in bytes and time of upload of the uploaded engine's Python files, newest first; at most 10."""
    upload = _if_database_answers(newest_engine, None)
    return _shown([file for file in upload.files if file.name.lower().endswith(".py")]) if upload else []


def model_files() -> list[dict[str, Any]]:
    """Name, size in bytes and time of upload of the files of all model sessions, newest first; at most 10."""
    return _shown(_if_database_answers(_files_of_sessions, []))


def _files_of_sessions(session: Session) -> list[StoredFile]:
    return [file for files in session.execute(FILES_OF_SESSIONS).scalars() for file in stored_files(files)]


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
