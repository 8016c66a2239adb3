"""Uploaded engines and models."""

from marshmallow import Schema, fields

from backend.core.openapi import AsBuilt, AsSentOrEmpty
from backend.spot.schemas.example_fields import moment, one, text, truth, whole

SESSION_ID = "0d51e8f4-6da1-4f45-8022-d6231972d34b"
RESTART = "Backend will restart in 3 seconds."

FILES_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["files"],
                "properties": {"files": {"type": "array", "items": {"type": "string", "format": "binary"}}},
            }
        }
    },
}


def _names(*example: str) -> fields.List:
    return fields.List(fields.String(), metadata={"example": list(example)})


def _warnings() -> fields.List:
    description = "Files that are not loaded, or will not load, and why; only where there are any"
    return fields.List(fields.String(), metadata={"description": description, "example": []})


class UploadedModels(Schema):
    """How many files of which size wait for activation."""

    filesUploaded = whole(1)
    totalSize = whole(1204)
    sessionType = text("pending_activation")


class ModelsUploaded(AsBuilt):
    """A new session that waits to be activated."""

    success = truth(True)
    sessionId = text(SESSION_ID)
    files = _names("risk.onnx")
    message = text("Uploaded 1 model files. Use the RESTART button to activate.")
    model_status = one(UploadedModels)
    requiresRestart = truth(True)
    warnings = _warnings()


class ActivationOrder(AsSentOrEmpty):
    """The session to make live."""

    sessionId = text(SESSION_ID)


class ModelStatus(Schema):
    """The class of the engine at work."""

    loaded = truth(True)
    type = text("MLBasedDecisionEngine")


class ModelsActivated(AsBuilt):
    """The session is live. Every worker follows within about a second; none restarts."""

    success = truth(True)
    sessionId = text(SESSION_ID)
    message = text(f"Models activated successfully. {RESTART}")
    model_status = one(ModelStatus)
    restarting = truth(True)
    warnings = _warnings()


class ModelsRolledBack(AsBuilt):
    """The fallback session is live. Every worker follows within about a second; none restarts."""

    success = truth(True)
    fallbackSessionId = text(SESSION_ID)
    message = text(f"Rolled back to previous model version. {RESTART}")
    restarting = truth(True)
    warnings = _warnings()


class NotLoaded(Schema):
    """The engine did not load; what decided before goes on."""

    success = truth(False)
    error = text("risk.onnx is no ONNX model: Protobuf parsing failed.")
    message = text("Failed to load new models")
    sessionId = text(SESSION_ID)
    files = _names("ml_based_engine.py")


class ModelSession(AsBuilt):
    """The files of one upload."""

    id = text(SESSION_ID)
    status = fields.String(metadata={"example": "active", "enum": ["uploaded", "active", "archived"]})
    isLive = truth(True)
    isFallback = truth(False)
    fileCount = whole(1)
    files = _names("risk.onnx")
    totalSize = whole(1204)
    createdAt = moment()
    activatedAt = moment(nullable=True)


class EngineStatus(Schema):
    """The engine at work."""

    loaded = truth(True)
    type = text("MLBasedDecisionEngine")
    version = text("2.0.0")


class EngineUploaded(AsBuilt):
    """The engine is at work. Every worker follows within about a second; none restarts."""

    success = truth(True)
    files = _names("ml_based_engine.py")
    message = text(f"Decision engine files uploaded successfully. {RESTART}")
    engine_status = one(EngineStatus)
    restarting = truth(True)
    warnings = _warnings()
