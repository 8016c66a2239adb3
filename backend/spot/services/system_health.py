"""The state of the system as operators look at it: it is told even when the database is gone."""

import logging
from typing import Any

from sqlalchemy import QueuePool, select
from sqlalchemy.engine import Engine

from backend.core.clock import utc_now
from backend.core.prepared import Prepared
from backend.core.scheduler import LEASES_WITH_RUNS, recently_told_jobs, tell_jobs
from backend.core.session import Found, Query, Session
from backend.spot.models import ModelRegistryEntry
from backend.spot.services import engine_status

ACTIVE_MODELS = Prepared(
    select(ModelRegistryEntry.model_name.label("name"), ModelRegistryEntry.version)
    .where(ModelRegistryEntry.is_active == 1)
    .order_by(ModelRegistryEntry.created_at.desc())
    .limit(10)
)

_log = logging.getLogger("backend.spot.system_health")


def report(session: Session) -> dict[str, Any]:
    """The state of the database, its connections in this process, the decision engine and the background jobs.

    The jobs may be as they were a second ago: whatever asks again and again waits for the database only.
    """
    # Counted before this request takes a connection of its own.
    connections = _free_connections(session)
    engine = engine_status.current()
    jobs = recently_told_jobs()
    # What takes longest comes first: the other answers are there when that one has been read.
    leases: list[Query] = [] if jobs is not None else [(LEASES_WITH_RUNS, {})]
    found = session.dicts_of_each(*leases, (ACTIVE_MODELS, {}), *engine_status.UPLOADS)
    if jobs is None:
        states = _unless_failed(found.pop(0), "the state of the jobs can't be read")
        jobs = [] if states is None else tell_jobs(states)
    models, engines, sessions = [_unless_failed(rows, "the database does not answer") for rows in found]
    engine_files, model_files = engine_status.uploaded_files(engines or [], sessions or [])
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
            "activeModels": [{**model, "active": True} for model in models or []],
        },
        "jobs": [] if models is None else jobs,
        "timestamp": utc_now().isoformat(),
    }


def _unless_failed(rows: Found | Exception, complaint: str) -> Found | None:
    if isinstance(rows, Exception):
        _log.error(complaint, exc_info=rows)
        return None
    return rows


def _free_connections(session: Session) -> str:
    """How many of the connections this process may have are not at work: "free/size"."""
    bind = session.get_bind()
    pool = bind.pool if isinstance(bind, Engine) else None
    if not isinstance(pool, QueuePool):
        return "N/A"
    return f"{pool.size() - pool.checkedout()}/{pool.size()}"
