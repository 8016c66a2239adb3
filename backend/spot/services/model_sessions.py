"""Uploading models, and which of the uploaded sessions is live.

At most one session is live; the one before it is kept as the fallback. Everybody who changes this locks all sessions
first. Files never move: the session in force says which directory the engine reads (engines/in_force.py).
"""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, delete, select
from werkzeug.datastructures import FileStorage

from backend.core.database import after_commit
from backend.core.errors import RequestRefusedError
from backend.core.prepared import Prepared
from backend.core.rows import NOW, insert_row, update_rows
from backend.core.session import Session
from backend.spot.models import ModelUploadSession
from backend.spot.services import model_registry, uploads
from backend.spot.services.engines.host import EngineHost
from backend.spot.services.engines.in_force import MODELS, InForce, Upload, newest_engine
from backend.spot.services.engines.interface import EngineLoadError
from backend.spot.services.engines.loading import LoadedEngine
from backend.spot.services.events import record_event
from backend.spot.services.file_store import StoreError
from backend.spot.services.old_model_files import files_of

FORMATS = (".pkl", ".joblib", ".h5", ".pb", ".pth", ".onnx", ".pt")
MOST_FALLBACKS = 10
MOST_LISTED = 10

OF_MODELS = ModelUploadSession.session_type == MODELS
ALL = select(ModelUploadSession).where(OF_MODELS)
NEWEST = Prepared(
    ALL.order_by(ModelUploadSession.created_at.desc(), ModelUploadSession.change_number.desc()).limit(MOST_LISTED)
)


def newest(session: Session) -> list[dict[str, Any]]:
    """The ten newest sessions."""
    return [
        {
            "id": row.id,
            "status": row.status,
            "isLive": bool(row.is_live),
            "isFallback": bool(row.is_fallback),
            "fileCount": row.file_count,
            "files": row.file_names or [],
            "totalSize": row.total_size_bytes,
            "createdAt": row.created_at,
            "activatedAt": row.activated_at,
        }
        for row in session.execute(NEWEST)
    ]


def upload(session: Session, host: EngineHost, files: Sequence[FileStorage]) -> dict[str, Any]:
    """Store models as a new session that waits to be activated; Refused with 400, and then nothing has changed.

    The live session becomes the fallback; its models go on deciding until another session is activated. What will keep
    a file from being activated is warned of, where that can be told already.
    """
    checked = uploads.accepted(files, FORMATS, host.settings.max_file_bytes)
    session_id = str(uuid4())
    with host.models.receive(session_id) as incoming:
        paths = {file.name: incoming.add(file.name, file.rewound()) for file in checked}
        warnings = [trouble for name, path in paths.items() if (trouble := host.look_at(path, name))]
        stored = incoming.files
        sessions = _lock_all(session)
        _demote_live(session, sessions)
        _forget_old(session, host, sessions)
        insert_row(
            session,
            ModelUploadSession,
            id=session_id,
            session_type=MODELS,
            status="uploaded",
            is_live=0,
            is_fallback=0,
            file_count=len(stored),
            file_names=[file.name for file in stored],
            total_size_bytes=sum(file.size for file in stored),
            stored_files=[file.as_json() for file in stored],
            change_number=_next_change(sessions),
        )
    return {
        "success": True,
        "sessionId": session_id,
        "files": [file.name for file in stored],
        "message": f"Uploaded {len(stored)} model files. Use the RESTART button to activate.",
        "model_status": {
            "filesUploaded": len(stored),
            "totalSize": sum(file.size for file in stored),
            "sessionType": "pending_activation",
        },
        "requiresRestart": True,
        **_with(warnings),
    }


def activate(session: Session, host: EngineHost, body: Any) -> dict[str, Any]:
    """Make a session the live one, and its models decide in every process within about a second.

    Refused with 400 without `sessionId`, with 404 for an unknown one, and with 500 when the engine does not load with
    its files: then the engine and all sessions stay as they were.
    """
    session_id = body.get("sessionId")
    if not session_id:
        raise RequestRefusedError(400, "No session ID provided")
    row = session.execute(ALL.where(ModelUploadSession.id == session_id)).first()
    if row is None:
        raise _unknown()
    engine = _loaded(session, host, row, message="Failed to load new models", sessionId=session_id)
    sessions = _lock_all(session)
    if row.id not in {other.id for other in sessions}:
        raise _unknown()
    _demote_live(session, sessions)
    _make_live(session, row.id, engine, _next_change(sessions))
    record_event(session, "ml_models_activated", "info", f"New model session activated: {row.id}")
    _record_loaded(session, engine)
    return {
        "success": True,
        "sessionId": session_id,
        "message": "Models activated successfully. Backend will restart in 3 seconds.",
        "model_status": {"loaded": True, "type": engine.type},
        "restarting": True,
        **_with(engine.withheld_models),
    }


def fall_back(session: Session, host: EngineHost) -> dict[str, Any]:
    """Make the newest fallback session the live one again; the one that was live is archived.

    Refused with 404 where there is none, and with 500 when the engine does not load with its files: then the engine
    and all sessions stay as they were.
    """
    row = _newest_fallback(session.execute(ALL).all())
    engine = _loaded(session, host, row, message="Failed to load fallback models")
    sessions = _lock_all(session)
    if _newest_fallback(sessions).id != row.id:
        raise RequestRefusedError(409, "The sessions were changed at the same time; try again")
    live = [other.id for other in sessions if other.is_live]
    update_rows(session, ModelUploadSession, _among(live), is_live=0, is_fallback=0, status="archived")
    _make_live(session, row.id, engine, _next_change(sessions))
    record_event(session, "ml_models_rollback", "warning", f"Rolled back to previous model version: {row.id}")
    _record_loaded(session, engine)
    return {
        "success": True,
        "fallbackSessionId": row.id,
        "message": "Rolled back to previous model version. Backend will restart in 3 seconds.",
        "restarting": True,
        **_with(engine.withheld_models),
    }


def _loaded(session: Session, host: EngineHost, row: Any, **failure: Any) -> LoadedEngine:
    """The engine with the files of a session; Refused with 500, and `failure` in the body, if it does not load."""
    try:
        files = files_of(session, host.models, row)
        return host.prepare(InForce(Upload(row.id, tuple(files)), newest_engine(session)))
    except (EngineLoadError, StoreError) as error:
        record_event(session, "decision_error", "error", f"{failure['message']}: {error}")
        raise RequestRefusedError(500, str(error), success=False, **failure) from error


def _lock_all(session: Session) -> Sequence[Any]:
    """All sessions, as they are until this transaction ends; always in the same order, so that nobody deadlocks."""
    return session.execute(ALL.order_by(ModelUploadSession.id).with_for_update()).all()


def _demote_live(session: Session, sessions: Sequence[Any]) -> None:
    live = [row.id for row in sessions if row.is_live]
    update_rows(session, ModelUploadSession, _among(live), is_live=0, is_fallback=1)


def _forget_old(session: Session, host: EngineHost, sessions: Sequence[Any]) -> None:
    """Forget what was never activated or was archived, and the oldest fallbacks; their files go with them."""
    fallbacks = sorted((row for row in sessions if row.is_live or row.is_fallback), key=_by_activation)
    old = [row.id for row in sessions if not row.is_live and not row.is_fallback]
    old += [row.id for row in fallbacks[:-MOST_FALLBACKS]]
    session.execute(delete(ModelUploadSession).where(_among(old)))
    for session_id in old:
        after_commit(session, partial(host.models.remove, session_id))


def _make_live(session: Session, session_id: str, engine: LoadedEngine, change_number: int) -> None:
    update_rows(
        session,
        ModelUploadSession,
        ModelUploadSession.id == session_id,
        is_live=1,
        is_fallback=0,
        status="active",
        activated_at=NOW,
        change_number=change_number,
    )
    model_registry.register(session, engine)


def _newest_fallback(sessions: Sequence[Any]) -> Any:
    fallbacks = [row for row in sessions if row.is_fallback]
    if not fallbacks:
        raise RequestRefusedError(404, "No fallback version available")
    return max(fallbacks, key=_by_activation)


def _by_activation(row: Any) -> tuple[str, int]:
    return str(row.activated_at or ""), row.change_number or 0


def _next_change(sessions: Sequence[Any]) -> int:
    """Grows with every change, to tell the order of those that share a second."""
    return max((row.change_number or 0 for row in sessions), default=0) + 1


def _among(session_ids: list[str]) -> ColumnElement[bool]:
    return ModelUploadSession.id.in_(session_ids)


def _unknown() -> RequestRefusedError:
    return RequestRefusedError(404, "Model session not found")


def _record_loaded(session: Session, engine: LoadedEngine) -> None:
    record_event(session, "decision_engine_loaded", "info", f"Decision engine {engine.type} loaded successfully")


def _with(warnings: Sequence[str]) -> dict[str, Any]:
    return {"warnings": list(warnings)} if warnings else {}
