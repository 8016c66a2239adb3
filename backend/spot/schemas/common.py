"""Answers that many routes give."""

from marshmallow import Schema, fields


class Success(Schema):
    """It was done."""

    success = fields.Boolean()


class Error(Schema):
    """It was not done, and why."""

    error = fields.String()
    hint = fields.String()
    details = fields.Dict()


class Health(Schema):
    """The state of the service."""

    status = fields.String()
    database = fields.String()
    decision_engine_loaded = fields.Boolean()
    timestamp = fields.String()


class Unhealthy(Schema):
    """Why the service is not well."""

    status = fields.String()
    error = fields.String()
