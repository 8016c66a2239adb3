"""Notifications, and which of them are asked for."""

from typing import Any

from marshmallow import fields
from werkzeug.exceptions import InternalServerError

from backend.core.openapi import AsSentOrEmpty, FromDatabase, Query
from backend.spot.schemas.example_fields import flag, moment, text

DEFAULT_LIMIT = 10


class NotificationQuery(Query):
    """Which notifications are listed."""

    client_id = fields.String(metadata={"description": "Only this client's"})
    limit = fields.Integer(load_default=DEFAULT_LIMIT, metadata={"description": "How many at most"})

    def load(self, data: Any, **options: Any) -> dict[str, Any]:
        """Return the texts, and `limit` as a number; no number is a failure of the server."""
        query = super().load(data, **options)
        try:
            return {**query, "limit": int(query.get("limit", DEFAULT_LIMIT))}
        except ValueError as error:
            raise InternalServerError(original_exception=error) from error


class ListedNotification(FromDatabase):
    """Something a client was told."""

    id = text("21e49c8d-8f46-4bc6-b129-c79530e17cce")
    message = text("Manual switch queued for i-0abc1234")
    severity = text("warning", nullable=True)
    isRead = flag(0)
    time = moment()


class WhoseNotifications(AsSentOrEmpty):
    """Whose notifications are meant; without a client everybody's."""

    client_id = fields.String(allow_none=True)

    def load(self, data: Any, **options: Any) -> dict[str, Any]:
        """Return the object, or {}; anything else is a failure of the server."""
        body = super().load(data, **options)
        if not isinstance(body, dict):
            raise InternalServerError
        return body
