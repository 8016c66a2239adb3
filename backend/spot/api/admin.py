"""`/api/admin/...`: fleet and state of the system."""

from typing import Any

from backend.core.errors import answer_errors
from backend.core.openapi import Blueprint
from backend.spot.api.access import for_operators
from backend.spot.models import db
from backend.spot.schemas import admin as schemas
from backend.spot.services import activity as activity_log
from backend.spot.services import fleet
from backend.spot.services import system_health as service

admin = Blueprint("admin", __name__, url_prefix="/api/admin", description="The system as its operators see it")
answer_errors(admin)


@admin.route("/stats", methods=["GET"])
@for_operators
@admin.response(200, schemas.Stats())
def stats() -> Any:
    """The system in numbers."""
    return fleet.stats(db.session())


@admin.route("/agents", methods=["GET"])
@for_operators
@admin.arguments(schemas.AgentQuery(), location="query")
@admin.response(200, schemas.Agents())
def agents(query: dict[str, str]) -> Any:
    """The 500 agents heard of last."""
    found = fleet.agents(db.session(), **(filters := _filters(query, "status")))
    return {"agents": found, "total": len(found), "filters": filters}


@admin.route("/instances", methods=["GET"])
@for_operators
@admin.arguments(schemas.InstanceQuery(), location="query")
@admin.response(200, schemas.Instances())
def instances(query: dict[str, str]) -> Any:
    """The 500 newest instances."""
    found = fleet.instances(db.session(), **(filters := _filters(query, "status", "mode", "region")))
    return {"instances": found, "total": len(found), "filters": filters}


@admin.route("/activity", methods=["GET"])
@for_operators
@admin.response(200, schemas.ActivityEntry(many=True))
def activity() -> Any:
    """The 50 newest events that are no errors."""
    return activity_log.latest(db.session())


@admin.route("/system-health", methods=["GET"])
@for_operators
@admin.response(200, schemas.SystemHealth())
def system_health() -> Any:
    """The state of the database, its connections and the decision engine."""
    return service.report(db.session())


def _filters(query: dict[str, str], *names: str) -> dict[str, str | None]:
    """What was asked for, as it is answered: null for what was not."""
    return {name: query.get(name) for name in names}
