"""`/api/admin/decision-engine/...` and `/api/admin/ml-models/...`: files that decide."""

from typing import Any

from flask import request

from backend.core.errors import answer_errors
from backend.core.openapi import Blueprint
from backend.spot.api.access import for_operators
from backend.spot.api.bodies import fails_on_unreadable_body
from backend.spot.api.engine import engine_host
from backend.spot.models import db
from backend.spot.schemas import models as schemas
from backend.spot.schemas.common import Error
from backend.spot.services import engine_uploads, model_sessions

models = Blueprint("models", __name__, url_prefix="/api/admin", description="Decision engines and models")
answer_errors(models)


@models.route("/decision-engine/upload", methods=["POST"])
@for_operators(action="decision_engine_uploaded", entity="decision_engine")
@fails_on_unreadable_body
@models.doc(requestBody=schemas.FILES_BODY)
@models.response(200, schemas.EngineUploaded())
@models.alt_response(400, schema=Error(), description="No files, or not those of an engine")
@models.alt_response(403, schema=Error(), description="Uploading code is off: ALLOW_ENGINE_UPLOAD is not set")
@models.alt_response(409, schema=Error(), description="Another engine was uploaded at the same time")
@models.alt_response(500, schema=schemas.NotLoaded(), description="The engine does not load; nothing has changed")
def upload_engine() -> Any:
    """Upload a decision engine and let it decide."""
    engine_uploads.refuse_unless_allowed(engine_host())
    return engine_uploads.upload(db.session(), engine_host(), request.files.getlist("files"))


@models.route("/ml-models/upload", methods=["POST"])
@for_operators(action="models_uploaded", entity="model_session", id_in_answer="sessionId")
@fails_on_unreadable_body
@models.doc(requestBody=schemas.FILES_BODY)
@models.response(200, schemas.ModelsUploaded())
@models.alt_response(400, schema=Error(), description="No files, or not those of models")
def upload_models() -> Any:
    """Upload models as a session that waits to be activated."""
    return model_sessions.upload(db.session(), engine_host(), request.files.getlist("files"))


@models.route("/ml-models/activate", methods=["POST"])
@for_operators(action="models_activated", entity="model_session", id_in_answer="sessionId")
@fails_on_unreadable_body
@models.arguments(schemas.ActivationOrder())
@models.response(200, schemas.ModelsActivated())
@models.alt_response(400, schema=Error(), description="No session is named")
@models.alt_response(404, schema=Error(), description="There is no such session")
@models.alt_response(500, schema=schemas.NotLoaded(), description="Its files do not load; nothing has changed")
def activate_models(body: dict[str, Any]) -> Any:
    """Make a session of models the live one."""
    return model_sessions.activate(db.session(), engine_host(), body)


@models.route("/ml-models/fallback", methods=["POST"])
@for_operators(action="models_rolled_back", entity="model_session", id_in_answer="fallbackSessionId")
@models.response(200, schemas.ModelsRolledBack())
@models.alt_response(404, schema=Error(), description="There is no session to go back to")
@models.alt_response(500, schema=schemas.NotLoaded(), description="Its files do not load; nothing has changed")
def fall_back() -> Any:
    """Go back to the session that was live before."""
    return model_sessions.fall_back(db.session(), engine_host())


@models.route("/ml-models/sessions", methods=["GET"])
@for_operators
@models.response(200, schemas.ModelSession(many=True))
def sessions() -> Any:
    """The ten newest sessions of models."""
    return model_sessions.newest(db.session())
