"""`/api/agents/...`: what agents tell the server and ask it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from backend.core.errors import InvalidBodyError, answer_errors
from backend.core.openapi import Blueprint
from backend.spot.api.authentication import (
    authenticated,
    authenticated_client,
    authenticated_with_instance,
    authenticated_with_limits,
)
from backend.spot.api.bodies import fails_on_unreadable_body
from backend.spot.api.engine import engine_host
from backend.spot.models import db
from backend.spot.schemas import agents as schemas
from backend.spot.schemas.common import Error, Success
from backend.spot.services import (
    cleanup_reports,
    commands,
    configuration,
    decisions,
    heartbeats,
    pricing_reports,
    rebalance,
    recommendations,
    registration,
    switch_reports,
    terminations,
)
from backend.spot.services.callers import Caller

agents = Blueprint("agents", __name__, url_prefix="/api/agents", description="What agents tell and ask")
answer_errors(agents)

DONE = {"success": True}


def records_invalid_body(view: Callable[..., Any]) -> Callable[..., Any]:
    """Leave an event when the body is refused."""

    @wraps(view)
    def recorded(caller: Caller, **path: str) -> Any:
        try:
            return view(caller, **path)
        except InvalidBodyError as refusal:
            registration.record_invalid(db.session(), caller, refusal.messages)
            raise

    return recorded


@agents.route("/register", methods=["POST"])
@authenticated
@records_invalid_body
@agents.arguments(schemas.Registration())
@agents.response(200, schemas.Registered())
@agents.alt_response(400, schema=Error(), description="The body is not a registration")
def register(caller: Caller, body: dict[str, Any]) -> Any:
    """Register an agent, or refresh the one with this logical id."""
    return registration.register(db.session(), caller, body)


@agents.route("/<agent_id>/heartbeat", methods=["POST"])
@authenticated_with_instance
@agents.arguments(schemas.Heartbeat())
@agents.response(200, Success())
@agents.alt_response(404, schema=Error(), description="The client has no such agent")
def heartbeat(caller: Caller, body: dict[str, Any], agent_id: str) -> Any:
    """Report that the agent is alive, and where."""
    heartbeats.beat(db.session(), caller, body)
    return DONE


@agents.route("/<agent_id>/config", methods=["GET"])
@authenticated_with_limits
@agents.response(200, schemas.Config())
@agents.alt_response(404, schema=Error(), description="The client has no such agent")
def config(caller: Caller, agent_id: str) -> Any:
    """What the agent is allowed to do."""
    return configuration.config(caller.own_agent())


@agents.route("/<agent_id>/replica-config", methods=["GET"])
@authenticated
@agents.response(200, schemas.ReplicaConfig())
@agents.alt_response(404, schema=Error(), description="The client has no such agent")
def replica_config(caller: Caller, agent_id: str) -> Any:
    """Whether the agent keeps replicas."""
    return configuration.replica_config(caller.own_agent())


@agents.route("/<agent_id>/pending-commands", methods=["GET"])
@authenticated_client
@agents.response(200, schemas.PendingCommand(many=True))
def pending_commands(caller: Caller, agent_id: str) -> Any:
    """The commands that wait for the agent, most urgent first."""
    return commands.pending(db.session(), agent_id)


@agents.route("/<agent_id>/commands/<command_id>/executed", methods=["POST"])
@authenticated_client
@agents.arguments(schemas.CommandOutcome())
@agents.response(200, Success())
def command_executed(caller: Caller, body: dict[str, Any], agent_id: str, command_id: str) -> Any:
    """Report how a command went."""
    commands.finish(db.session(), agent_id, command_id, body)
    return DONE


@agents.route("/<agent_id>/issue-switch-command", methods=["POST"])
@authenticated
@fails_on_unreadable_body
@agents.arguments(schemas.SwitchOrder())
@agents.response(201, schemas.SwitchOrdered())
@agents.alt_response(400, schema=Error(), description="The agent is disabled, or the target makes no sense")
@agents.alt_response(403, schema=Error(), description="Automatic switching is off")
@agents.alt_response(404, schema=Error(), description="The client has no such agent")
def issue_switch_command(caller: Caller, body: dict[str, Any], agent_id: str) -> Any:
    """Queue a switch of the agent."""
    return commands.issue_switch(db.session(), caller, body)


@agents.route("/<agent_id>/pricing-report", methods=["POST"])
@authenticated_with_instance
@agents.arguments(schemas.PricingReport())
@agents.response(200, Success())
def pricing_report(caller: Caller, body: dict[str, Any], agent_id: str) -> Any:
    """Report what the instance and the pools around it cost."""
    pricing_reports.record(db.session(), caller, agent_id, body)
    return DONE


@agents.route("/<agent_id>/switch-report", methods=["POST"])
@authenticated_client
@agents.arguments(schemas.SwitchReport())
@agents.response(200, Success())
def switch_report(caller: Caller, body: dict[str, Any], agent_id: str) -> Any:
    """Report a switch the agent has made."""
    switch_reports.record(db.session(), caller, agent_id, body)
    return DONE


@agents.route("/<agent_id>/termination", methods=["POST"])
@authenticated_client
@agents.arguments(schemas.Termination())
@agents.response(200, Success())
def termination(caller: Caller, body: dict[str, Any], agent_id: str) -> Any:
    """Report that the agent stops."""
    terminations.record(db.session(), caller, agent_id, body)
    return DONE


@agents.route("/<agent_id>/cleanup-report", methods=["POST"])
@authenticated_client
@agents.arguments(schemas.CleanupReport())
@agents.response(200, schemas.CleanupRecorded())
def cleanup_report(caller: Caller, body: dict[str, Any], agent_id: str) -> Any:
    """Report which snapshots and images the agent deleted."""
    return cleanup_reports.record(db.session(), caller, agent_id, body)


@agents.route("/<agent_id>/rebalance-recommendation", methods=["POST"])
@authenticated
@agents.arguments(schemas.RebalanceSignal())
@agents.response(200, schemas.RebalanceAdvice())
@agents.alt_response(404, schema=Error(), description="The client has no such agent")
def rebalance_recommendation(caller: Caller, body: dict[str, Any], agent_id: str) -> Any:
    """Pass on that the provider recommends to move; learn whether to."""
    return rebalance.advise(db.session(), caller, body)


@agents.route("/<agent_id>/decide", methods=["POST"])
@authenticated_with_limits
@agents.arguments(schemas.Situation())
@agents.response(200, schemas.Decision())
def decide(caller: Caller, body: dict[str, Any], agent_id: str) -> Any:
    """Decide whether the agent should stay or switch."""
    return decisions.decide(db.session(), engine_host(), caller, body)


@agents.route("/<agent_id>/switch-recommendation", methods=["GET"])
@authenticated
@agents.response(200, schemas.Recommendation())
@agents.alt_response(404, schema=Error(), description="The client has no such agent, or the agent no known instance")
def switch_recommendation(caller: Caller, agent_id: str) -> Any:
    """What the engine would do with the agent now."""
    return recommendations.recommend(db.session(), engine_host(), caller)
