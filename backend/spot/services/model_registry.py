"""Keeping a list of the models that decide."""

import logging
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, or_

from backend.core.rows import NOW, insert_row, update_rows
from backend.core.session import Session
from backend.spot.models import ModelRegistryEntry
from backend.spot.services.engines.loading import LoadedEngine

_log = logging.getLogger("backend.spot.model_registry")


def register(session: Session, engine: LoadedEngine) -> None:
    """Make the models of `engine` the active ones, and no others.

    A model that is known, by its id or by name and version, is only dated. One that cannot be kept ends the
    registration, which never makes loading fail.
    """
    upload = engine.in_force.models
    try:
        with session.begin_nested():
            update_rows(session, ModelRegistryEntry, ModelRegistryEntry.is_active == 1, is_active=0)
            for model in engine.models:
                _keep(session, model, upload.directory if upload else None)
    except Exception as error:
        _log.warning("models were not registered", extra={"reason": str(error)})


def _keep(session: Session, model: dict[str, Any], upload_session_id: str | None) -> None:
    active = model.get("is_active", True)
    known = update_rows(session, ModelRegistryEntry, _same(model), is_active=active, loaded_at=NOW)
    if not known:
        insert_row(
            session,
            ModelRegistryEntry,
            id=model.get("id") or str(uuid4()),
            model_name=model.get("name"),
            model_type=model.get("type"),
            version=model.get("version"),
            file_path=model.get("file_path"),
            upload_session_id=upload_session_id,
            is_active=active,
            performance_metrics=model.get("metrics") or {},
            config=model.get("config") or {},
            loaded_at=NOW,
        )


def _same(model: dict[str, Any]) -> ColumnElement[bool]:
    return or_(
        ModelRegistryEntry.id == model.get("id"),
        (ModelRegistryEntry.model_name == model.get("name")) & (ModelRegistryEntry.version == model.get("version")),
    )
