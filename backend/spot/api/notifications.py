"""`/api/notifications/...`: what clients are told."""

from typing import Any

from backend.core.errors import answer_errors
from backend.core.openapi import Blueprint
from backend.spot.api.access import for_operators
from backend.spot.models import db
from backend.spot.schemas import notifications as schemas
from backend.spot.schemas.common import Success
from backend.spot.services import notifications as service

notifications = Blueprint(
    "notifications", __name__, url_prefix="/api/notifications", description="What clients are told"
)
answer_errors(notifications)

DONE = {"success": True}


@notifications.route("", methods=["GET"])
@for_operators
@notifications.arguments(schemas.NotificationQuery(), location="query")
@notifications.response(200, schemas.ListedNotification(many=True))
def newest(wanted: dict[str, Any]) -> Any:
    """The newest notifications, of one client or of all."""
    return service.newest(db.session(), **wanted)


@notifications.route("/<notif_id>/mark-read", methods=["POST"])
@for_operators(action="notification_read", entity="notification", id_in_path="notif_id")
@notifications.response(200, Success())
def mark_read(notif_id: str) -> Any:
    """Note that a notification was read."""
    service.mark_read(db.session(), notif_id)
    return DONE


@notifications.route("/mark-all-read", methods=["POST"])
@for_operators(action="notifications_read", entity="notification")
@notifications.arguments(schemas.WhoseNotifications())
@notifications.response(200, Success())
def mark_all_read(whose: dict[str, Any]) -> Any:
    """Note that all notifications were read, of one client or of all."""
    service.mark_all_read(db.session(), whose)
    return DONE
