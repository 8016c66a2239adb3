"""`/api/notifications/...`: what clients are told."""

from backend.core.errors import answer_errors
from backend.core.openapi import Blueprint

notifications = Blueprint(
    "notifications", __name__, url_prefix="/api/notifications", description="What clients are told"
)
answer_errors(notifications)
