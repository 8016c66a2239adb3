"""Uploading decision engines. Each upload is a whole engine: what it does not bring it takes from the one before."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import uuid4

from sqlalchemy import delete
from werkzeug.datastructures import FileStorage

from backend.core.database import after_commit
from backend.core.database_errors import StatementRefusedError
from backend.core.errors import RequestRefusedError
from backend.core.rows import insert_row
from backend.core.session import Session
from backend.spot.models import EngineUpload
from backend.spot.services import model_registry, uploads
from backend.spot.services.engines import in_force
from backend.spot.services.engines.host import EngineHost
from backend.spot.services.engines.interface import EngineLoadError
from backend.spot.services.engines.loading import LoadedEngine
from backend.spot.services.engines.uploaded_code import defines_class
from backend.spot.services.events import record_event
from backend.spot.services.file_store import stored_files
from backend.spot.services.uploads import UploadedFile

FORMATS = (".py", ".pkl", ".joblib")
MOST_KEPT = 5
DUPLICATE = 1062


def refuse_unless_allowed(host: EngineHost) -> None:
    """Refused with 403 where code must not be uploaded."""
    if not host.settings.allow_upload:
        raise RequestRefusedError(403, "Uploading decision engines is off: set ALLOW_ENGINE_UPLOAD=true to allow it")


def upload(session: Session, host: EngineHost, files: Sequence[FileStorage]) -> dict[str, Any]:
    """Store an engine, load it, and let it decide in every process within about a second.

    Refused with 400 for files that cannot be an engine, with 409 if another upload came first, and with 500 if the
    engine does not load: then nothing of the upload stays, and the engine at work goes on.
    """
    checked = uploads.accepted(files, FORMATS, host.settings.max_file_bytes)
    known = session.execute(in_force.ENGINE_UPLOADS).all()
    follows, base = (known[0].id, known[0].directory) if known else (0, "")
    earlier = stored_files(known[0].stored_files) if known else []
    _check_code(checked, [file.name for file in earlier if _is_code(file.name)], host.settings.class_name)
    directory = str(uuid4())
    with host.engines.receive(directory) as incoming:
        for file in earlier:
            incoming.add_stored(host.engines, base, file)
        for uploaded in checked:
            incoming.add(uploaded.name, uploaded.rewound())
        incoming.keep()
        engine = _loaded(session, host, in_force.Upload(directory, tuple(incoming.files)), checked)
        _keep(session, directory, follows, [file.as_json() for file in incoming.files])
        _forget_old(session, host, known[MOST_KEPT - 1 :])
    model_registry.register(session, engine)
    names = [file.name for file in checked]
    record_event(
        session,
        "decision_engine_updated",
        "info",
        f"Decision engine files uploaded and reloaded: {', '.join(names)}",
    )
    record_event(session, "decision_engine_loaded", "info", f"Decision engine {engine.type} loaded successfully")
    warnings = {"warnings": list(engine.withheld_files)} if engine.withheld_files else {}
    return {
        "success": True,
        "files": names,
        "message": "Decision engine files uploaded successfully. Backend will restart in 3 seconds.",
        "engine_status": {"loaded": True, "type": engine.type, "version": engine.version},
        "restarting": True,
        **warnings,
    }


def _is_code(name: str) -> bool:
    return name.lower().endswith(".py")


def _check_code(files: Sequence[UploadedFile], earlier: Sequence[str], class_name: str) -> None:
    """Refused with 400 if Python code is no Python, or none of it defines the class. Nothing is run."""
    code = [file for file in files if _is_code(file.name)]
    defined = False
    for file in code:
        try:
            defined |= defines_class(file.read(), class_name)
        except SyntaxError as error:
            place = f" (line {error.lineno})" if error.lineno else ""
            raise RequestRefusedError(400, f"Not valid Python: {file.name}: {error.msg}{place}") from error
    if code and not defined and not set(earlier) - {file.name for file in code}:
        raise RequestRefusedError(400, f"Class {class_name} is not defined in {', '.join(file.name for file in code)}")


def _loaded(session: Session, host: EngineHost, engine: in_force.Upload, files: Sequence[UploadedFile]) -> LoadedEngine:
    try:
        return host.prepare(in_force.InForce(in_force.look_up(session).models, engine))
    except EngineLoadError as error:
        message = "Files uploaded but failed to reload decision engine"
        record_event(session, "decision_error", "error", f"{message}: {error}")
        raise RequestRefusedError(
            500, str(error), success=False, message=message, files=[file.name for file in files]
        ) from error


def _keep(session: Session, directory: str, follows: int, files: list[dict[str, Any]]) -> None:
    try:
        insert_row(session, EngineUpload, directory=directory, follows=follows, stored_files=files)
        session.flush()
    except StatementRefusedError as error:
        if error.errno != DUPLICATE:
            raise
        session.rollback()
        raise RequestRefusedError(409, "Another engine was uploaded at the same time; try again") from error


def _forget_old(session: Session, host: EngineHost, old: Sequence[Any]) -> None:
    session.execute(delete(EngineUpload).where(EngineUpload.id.in_([row.id for row in old])))
    for row in old:
        after_commit(session, partial(host.engines.remove, row.directory))
