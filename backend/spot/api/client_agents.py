"""`/api/client/<client_id>/agents...` and `/api/client/agents/...`: a client's agents and their settings."""

from typing import Any

from backend.core.errors import answer_errors
from backend.core.openapi import Blueprint
from backend.spot.api.access import for_operators
from backend.spot.models import db
from backend.spot.schemas import client_agents as schemas
from backend.spot.schemas.common import Error, Success
from backend.spot.services import agent_activity, agent_removal, agent_settings
from backend.spot.services import client_agents as service

client_agents = Blueprint(
    "client_agents", __name__, url_prefix="/api/client", description="A client's agents and their settings"
)
answer_errors(client_agents)

DONE = {"success": True}


@client_agents.route("/<client_id>/agents", methods=["GET"])
@for_operators
@client_agents.response(200, schemas.ClientAgent(many=True))
def agents(client_id: str) -> Any:
    """The client's agents without the deleted ones, the ones heard of last first."""
    return service.listing(db.session(), client_id)


@client_agents.route("/<client_id>/agents/decisions", methods=["GET"])
@for_operators
@client_agents.response(200, schemas.AgentDecisions(many=True))
def decisions(client_id: str) -> Any:
    """What the client's agents decided, reported and met with last."""
    return agent_activity.decisions(db.session(), client_id)


@client_agents.route("/<client_id>/agents/history", methods=["GET"])
@for_operators
@client_agents.response(200, schemas.FormerAgent(many=True))
def history(client_id: str) -> Any:
    """All agents the client ever had."""
    return service.history(db.session(), client_id)


@client_agents.route("/agents/<agent_id>/toggle-enabled", methods=["POST"])
@for_operators(action="agent_toggled", entity="agent")
@client_agents.arguments(schemas.Toggle())
@client_agents.response(200, Success())
def toggle(body: dict[str, Any], agent_id: str) -> Any:
    """Let an agent work, or rest."""
    agent_settings.toggle(db.session(), agent_id, body)
    return DONE


@client_agents.route("/agents/<agent_id>/settings", methods=["POST"])
@for_operators(action="agent_settings_changed", entity="agent")
@client_agents.arguments(schemas.AgentSettings())
@client_agents.response(200, Success())
def settings(body: dict[str, Any], agent_id: str) -> Any:
    """Set what an agent may do."""
    agent_settings.change(db.session(), agent_id, body)
    return DONE


@client_agents.route("/agents/<agent_id>/config", methods=["POST"])
@for_operators(action="agent_configured", entity="agent")
@client_agents.arguments(schemas.AgentConfiguration())
@client_agents.response(200, schemas.AgentConfigured())
@client_agents.alt_response(404, schema=Error(), description="There is no such agent")
def config(body: dict[str, Any], agent_id: str) -> Any:
    """Set waiting time and modes; ending manual replicas ends those that are there."""
    return agent_settings.configure(db.session(), agent_id, body)


@client_agents.route("/agents/<agent_id>", methods=["DELETE"])
@for_operators(action="agent_deleted", entity="agent")
@client_agents.response(200, schemas.AgentDeleted())
@client_agents.alt_response(404, schema=Error(), description="There is no such agent")
def delete(agent_id: str) -> Any:
    """Take an agent out of service."""
    return agent_removal.delete(db.session(), agent_id)
