"""Answers that many routes give."""

from marshmallow import Schema, fields


class Success(Schema):
    """It was done."""

    success = fields.Boolean(metadata={"example": True})


class Error(Schema):
    """It was not done, and why."""

    error = fields.String(metadata={"example": "Agent not found"})
    hint = fields.String(metadata={"example": "Enable the agent first"})
    details = fields.Dict()


class Health(Schema):
    """The state of the service."""

    status = fields.String(metadata={"example": "healthy"})
    database = fields.String(metadata={"example": "connected"})
    decision_engine_loaded = fields.Boolean(metadata={"example": True})
    timestamp = fields.String(metadata={"example": "2026-11-21T03:22:11.209292"})


class Unhealthy(Schema):
    """Why the service is not well."""

    status = fields.String(metadata={"example": "healthy"})
    error = fields.String(metadata={"example": "Agent not found"})
