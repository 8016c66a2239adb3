"""`/api/admin/clients/...`: clients and their tokens."""

from typing import Any

from werkzeug.exceptions import InternalServerError

from backend.core.errors import answer_errors
from backend.core.openapi import Blueprint
from backend.spot.api.access import for_operators
from backend.spot.models import db
from backend.spot.schemas import admin as schemas
from backend.spot.schemas.common import Error
from backend.spot.services import client_accounts, client_overview, fleet

admin_clients = Blueprint(
    "admin_clients", __name__, url_prefix="/api/admin/clients", description="Clients and their tokens"
)
answer_errors(admin_clients)

RENEWED = "Token regenerated successfully. Update all agents with the new token."


@admin_clients.route("", methods=["GET"])
@for_operators
@admin_clients.response(200, schemas.ClientNumbers(many=True))
def clients() -> Any:
    """All clients in numbers, the newest first."""
    return client_overview.overviews(db.session())


@admin_clients.route("/growth", methods=["GET"])
@for_operators
@admin_clients.arguments(schemas.GrowthQuery(), location="query")
@admin_clients.response(200, schemas.DayOfGrowth(many=True))
def growth(query: dict[str, int]) -> Any:
    """How many clients there were, day by day."""
    return fleet.growth(db.session(), query["days"])


@admin_clients.route("/create", methods=["POST"])
@for_operators(action="client_created", entity="client", id_in_answer="client.id")
@admin_clients.arguments(schemas.NewClient())
@admin_clients.response(200, schemas.ClientCreated())
@admin_clients.alt_response(400, schema=Error(), description="The client has no name")
@admin_clients.alt_response(409, schema=Error(), description="Another client has the name")
def create(body: Any) -> Any:
    """Make a client; its token is in the answer."""
    name = body.get("name", "") if isinstance(body, dict) else None
    if not isinstance(name, str):
        raise InternalServerError
    email = body.get("email", client_accounts.default_email(name))
    return {"success": True, "client": client_accounts.create(db.session(), name, email)}


@admin_clients.route("/<client_id>", methods=["DELETE"])
@for_operators(action="client_deleted", entity="client")
@admin_clients.response(200, schemas.Done())
@admin_clients.alt_response(404, schema=Error(), description="There is no such client")
def delete(client_id: str) -> Any:
    """Delete a client with its agents, instances and history."""
    name = client_accounts.remove(db.session(), client_id)
    return {"success": True, "message": f"Client '{name}' and all associated data have been deleted"}


@admin_clients.route("/<client_id>/regenerate-token", methods=["POST"])
@for_operators(action="client_token_regenerated", entity="client")
@admin_clients.response(200, schemas.TokenRenewed())
@admin_clients.alt_response(404, schema=Error(), description="There is no such client")
def regenerate_token(client_id: str) -> Any:
    """Give a client a new token; the old one stops working at once."""
    token = client_accounts.renew_token(db.session(), client_id)
    return {"success": True, "token": token, "message": RENEWED}


@admin_clients.route("/<client_id>/token", methods=["GET"])
@for_operators(action="client_token_requested", entity="client", reads=True)
@admin_clients.response(200, schemas.ShownToken())
@admin_clients.alt_response(404, schema=Error(), description="There is no such client")
@admin_clients.alt_response(410, schema=Error(), description="Only the hash of the token was kept")
def token(client_id: str) -> Any:
    """Show a client's token."""
    return client_accounts.shown_token(db.session(), client_id)
