"""`/health`: is the service well?"""

from typing import Any

from backend.core.errors import answer_errors
from backend.core.openapi import Blueprint
from backend.spot.models import db
from backend.spot.schemas.common import Health, Unhealthy
from backend.spot.services import health as service

health = Blueprint("health", __name__, description="Is the service well?")
answer_errors(health)


@health.route("/health", methods=["GET"])
@health.doc(security=[])
@health.response(200, Health())
@health.alt_response(500, schema=Unhealthy(), description="The database does not answer")
def check() -> Any:
    """Ask the database for a sign of life."""
    return service.check(db.session())
