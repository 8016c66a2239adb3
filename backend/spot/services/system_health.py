"""The state of the system as operators look at it: it is told even when the database is gone."""

import logging
from typing import Any

from sqlalchemy import QueuePool, select
from sqlalchemy.engine import Engine

from backend.core.clock import utc_now
from backend.core.prepared import Prepared
from backend.core.scheduler import job_states
from backend.core.session import Session
from backend.spot.models import ModelRegistryEntry
from backend.spot.services import engine_status

ACTIVE_MODELS = Prepared(
    select(ModelRegistryEntry.model_name, ModelRegistryEntry.version)
    .where(ModelRegistryEntry.is_active == 1)
    .order_by(ModelRegistryEntry.created_at.desc())
    .limit(10)
)

_log = logging.getLogger("backend.spot.system_health")


def report(session: Session) -> dict[str, Any]:
    """The state of the database, its connections in this process, the decision engine and the background jobs."""
    # Counted before this request takes a connection of its own.
    connections = _free_connections(session)
    models = _active_models(session)
    engine = engine_status.current()
    engine_files, model_files = engine_status.uploaded_files()
    return {
        "apiStatus": "Healthy",
        "database": "Disconnected" if models is None else "Connected",
        "connectionPool": connections,
        "decisionEngine": "Loaded" if engine.loaded else "Not Loaded",
        "decisionEngineStatus": {
            "loaded": engine.loaded,
            "type": engine.type,
            "version": engine.version,
            "files": engine_files,
            "filesUploaded": len(engine_files),
        },
        "modelStatus": {
            "loaded": engine.loaded,
            "name": engine.type,
            "version": engine.version,
            "files": model_files,
            "filesUploaded": len(model_files),
            "activeModels": models or [],
        },
        "jobs": [] if models is None else _jobs(session),
        "timestamp": utc_now().isoformat(),
    }


def _active_models(session: Session) -> list[dict[str, Any]] | None:
    """The ten newest active models, or None when the database does not answer."""
    try:
        found = session.execute(ACTIVE_MODELS).all()
    except Exception:
        _log.exception("the database does not answer")
        session.rollback()
        return None
    return [{"name": model.model_name, "version": model.version, "active": True} for model in found]


def _jobs(session: Session) -> list[dict[str, Any]]:
    """How the background jobs are doing, or nothing when that can't be read."""
    try:
        return job_states(session)
    except Exception:
        _log.exception("the state of the jobs can't be read")
        session.rollback()
        return []


def _free_connections(session: Session) -> str:
    """How many of the connections this process may have are not at work: "free/size"."""
    bind = session.get_bind()
    pool = bind.pool if isinstance(bind, Engine) else None
    if not isinstance(pool, QueuePool):
        return "N/A"
    return f"{pool.size() - pool.checkedout()}/{pool.size()}"
