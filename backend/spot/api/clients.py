"""`/api/client/...`: what a client sees of itself."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import current_app, request
from werkzeug.exceptions import HTTPException

from backend.core.database import run_and_commit
from backend.core.errors import RequestRefusedError, answer_errors
from backend.core.openapi import Blueprint
from backend.core.wrong_tokens import count_wrong_token
from backend.spot.api.access import for_operators
from backend.spot.models import db
from backend.spot.schemas import clients as schemas
from backend.spot.schemas.common import Error
from backend.spot.services import (
    client_charts,
    client_instances,
    client_overview,
    client_replicas,
    client_validation,
    monthly_savings,
    switch_history,
)
from backend.spot.services.callers import UnknownTokenError

clients = Blueprint("clients", __name__, url_prefix="/api/client", description="What a client sees of itself")
answer_errors(clients)


def tells_validity(view: Callable[[], Any]) -> Callable[[], Any]:
    """Call `view` in one transaction; whatever fails, the answer says that the token is not valid."""

    @wraps(view)
    def telling() -> Any:
        try:
            return run_and_commit(db.session(), view)
        except UnknownTokenError:
            count_wrong_token()
            raise
        except (RequestRefusedError, HTTPException):
            raise
        except Exception as error:
            current_app.logger.exception("token check failed")
            raise RequestRefusedError(500, "Internal server error", valid=False) from error

    return telling


@clients.route("/validate", methods=["GET"])
@tells_validity
@clients.response(200, schemas.Validity())
@clients.alt_response(401, schema=schemas.Invalid(), description="The token is missing, or nobody's")
@clients.alt_response(403, schema=schemas.Invalid(), description="The client is inactive or suspended")
def validate() -> Any:
    """Tell whose token it is."""
    return client_validation.validate(db.session(), request.headers.get("Authorization", ""))


@clients.route("/<client_id>", methods=["GET"])
@for_operators
@clients.response(200, schemas.ClientOverview())
@clients.alt_response(404, schema=Error(), description="There is no such client")
def overview(client_id: str) -> Any:
    """A client in numbers."""
    return client_overview.overview(db.session(), client_id)


@clients.route("/<client_id>/instances", methods=["GET"])
@for_operators
@clients.arguments(schemas.InstanceFilter(), location="query")
@clients.response(200, schemas.ClientInstance(many=True))
def instances(wanted: dict[str, Any], client_id: str) -> Any:
    """The client's instances, newest first."""
    return client_instances.listing(db.session(), client_id, **wanted)


@clients.route("/<client_id>/replicas", methods=["GET"])
@for_operators
@clients.response(200, schemas.ClientReplica(many=True))
def replicas(client_id: str) -> Any:
    """The replicas that stand by, newest first."""
    return client_replicas.listing(db.session(), client_id)


@clients.route("/<client_id>/savings", methods=["GET"])
@for_operators
@clients.arguments(schemas.SavingsQuery(), location="query")
@clients.response(200, schemas.MonthlySavings(many=True))
def savings(wanted: dict[str, Any], client_id: str) -> Any:
    """What the last 12 months cost, oldest first."""
    return monthly_savings.listing(db.session(), client_id, wanted.get("range", monthly_savings.MONTHLY))


@clients.route("/<client_id>/switch-history", methods=["GET"])
@for_operators
@clients.arguments(schemas.SwitchFilter(), location="query")
@clients.response(200, schemas.SwitchRecord(many=True))
def switches(wanted: dict[str, Any], client_id: str) -> Any:
    """The newest 100 switches."""
    return switch_history.listing(db.session(), client_id, **wanted)


@clients.route("/<client_id>/stats/charts", methods=["GET"])
@for_operators
@clients.response(200, schemas.Charts())
def charts(client_id: str) -> Any:
    """What the charts of a client show."""
    return client_charts.charts(db.session(), client_id)
