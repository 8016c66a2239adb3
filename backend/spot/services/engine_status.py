"""Which decision engine is at work, and what was uploaded."""

import logging
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app
from sqlalchemy import select

from backend.core.prepared import Prepared
from backend.core.session import Found, Query
from backend.spot.models import ModelUploadSession, db
from backend.spot.services.engines.host import EngineHost
from backend.spot.services.engines.in_force import MODELS, NEWEST_ENGINE_UPLOAD
from backend.spot.services.file_store import StoredFile, stored_files

MOST_FILES = 10
FILES_OF_SESSIONS = Prepared(select(ModelUploadSession.stored_files).where(ModelUploadSession.session_type == MODELS))
#: What there is to know of uploaded files: what these answer is for `uploaded_files`.
UPLOADS: tuple[Query, Query] = ((NEWEST_ENGINE_UPLOAD, {}), (FILES_OF_SESSIONS, {}))

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
    try:
        engine = host.engine(db.session())
    except Exception:
        # The state of the system is told even when the database is gone.
        _log.exception("the database does not answer")
        db.session().rollback()
        engine = host.loaded
    if engine is None:
        return EngineStatus(False, "None", "N/A")
    return EngineStatus(True, engine.type, engine.version)


def uploaded_files(engines: Found, sessions: Found) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The Python files of the uploaded engine, and the files of all model sessions: of each the newest 10.

    Each has a name, a size in bytes and a time of upload.
    """
    code = [file for file in _files(engines) if file.name.lower().endswith(".py")]
    return _shown(code), _shown(_files(sessions))


def _files(uploads: Found) -> list[StoredFile]:
    return [file for upload in uploads for file in stored_files(upload["stored_files"])]


def _shown(files: list[StoredFile]) -> list[dict[str, Any]]:
    """Of files with one name the newest."""
    oldest_first = sorted(files, key=lambda file: file.stored_at)
    newest = sorted({file.name: file for file in oldest_first}.values(), key=lambda file: file.stored_at, reverse=True)
    return [{"name": file.name, "size": file.size, "modified": file.stored_at} for file in newest[:MOST_FILES]]
