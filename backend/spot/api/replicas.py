"""`/api/agents/<agent_id>/replicas/...` and what agents do in an emergency: instances that stand by."""

from typing import Any

from flask import Flask, current_app

from backend.core.errors import answer_errors
from backend.core.openapi import Blueprint
from backend.spot.api.access import for_operators_and_agents
from backend.spot.api.bodies import fails_on_unreadable_body
from backend.spot.models import db
from backend.spot.schemas import replicas as schemas
from backend.spot.schemas.common import Error
from backend.spot.services.replicas import creation, deletion, emergency, failover, listing, progress, promotion
from backend.spot.settings import ReplicaSettings

EXTENSION = "replica_settings"

replicas = Blueprint("replicas", __name__, url_prefix="/api/agents", description="Instances that stand by")
answer_errors(replicas)


def install_replicas(app: Flask) -> None:
    """Let `app` know what its operator says about replicas. Raises SettingsError."""
    app.extensions[EXTENSION] = ReplicaSettings.read(app.extensions["settings"].read)


@replicas.route("/<agent_id>/replicas", methods=["POST"])
@for_operators_and_agents(action="replica_created", entity="replica", id_in_answer="replica_id")
@fails_on_unreadable_body
@replicas.arguments(schemas.WantedReplica())
@replicas.response(201, schemas.StartedReplica())
@replicas.alt_response(400, schema=Error(), description="Manual mode is off, there is a replica, or no pool suits")
@replicas.alt_response(404, schema=Error(), description="No such agent is online, or there is no such pool")
def create(body: dict[str, Any], agent_id: str) -> Any:
    """Start a replica."""
    return creation.create(db.session(), agent_id, body)


@replicas.route("/<agent_id>/replicas", methods=["GET"])
@for_operators_and_agents
@replicas.arguments(schemas.ReplicaFilter(), location="query")
@replicas.response(200, schemas.Replicas())
def list_replicas(query: dict[str, str], agent_id: str) -> Any:
    """The replicas of an agent."""
    everything = query.get("include_terminated", "").lower() == "true"
    return listing.replicas_of(db.session(), agent_id, include_inactive=everything, status=query.get("status"))


@replicas.route("/<agent_id>/replicas/<replica_id>/promote", methods=["POST"])
@for_operators_and_agents(action="replica_promoted", entity="replica")
@fails_on_unreadable_body
@replicas.arguments(schemas.Promotion())
@replicas.response(200, schemas.Promoted())
@replicas.alt_response(400, schema=Error(), description="The replica is not ready, or has been promoted")
@replicas.alt_response(404, schema=Error(), description="There is no such active replica, or no such agent")
def promote(body: dict[str, Any], agent_id: str, replica_id: str) -> Any:
    """Make a replica the primary."""
    return promotion.promote(db.session(), agent_id, replica_id, body)


@replicas.route("/<agent_id>/replicas/<replica_id>", methods=["DELETE"])
@for_operators_and_agents(action="replica_deleted", entity="replica")
@replicas.response(200, schemas.Terminated())
@replicas.alt_response(400, schema=Error(), description="The replica is gone already")
@replicas.alt_response(404, schema=Error(), description="The agent has no such replica")
def delete(agent_id: str, replica_id: str) -> Any:
    """Terminate a replica."""
    return deletion.delete(db.session(), agent_id, replica_id)


@replicas.route("/<agent_id>/replicas/<replica_id>", methods=["PUT"])
@for_operators_and_agents(action="replica_launched", entity="replica")
@fails_on_unreadable_body
@replicas.arguments(schemas.LaunchedInstance())
@replicas.response(200, schemas.InstanceStored())
@replicas.alt_response(400, schema=Error(), description="The instance is missing")
@replicas.alt_response(404, schema=Error(), description="The agent has no such replica")
def report_instance(body: dict[str, Any], agent_id: str, replica_id: str) -> Any:
    """Report which instance was launched for a replica."""
    return progress.report_instance(db.session(), agent_id, replica_id, body)


@replicas.route("/<agent_id>/replicas/<replica_id>/status", methods=["POST"])
@for_operators_and_agents(action="replica_status_reported", entity="replica")
@fails_on_unreadable_body
@replicas.arguments(schemas.ReportedStatus())
@replicas.response(200, schemas.StatusStored())
@replicas.alt_response(400, schema=Error(), description="The status is missing, or not one to report")
@replicas.alt_response(404, schema=Error(), description="The agent has no such replica")
def report_status(body: dict[str, Any], agent_id: str, replica_id: str) -> Any:
    """Report how far a replica is."""
    return progress.report_status(db.session(), agent_id, replica_id, body)


@replicas.route("/<agent_id>/replicas/<replica_id>/sync-status", methods=["POST"])
@for_operators_and_agents(action="replica_sync_reported", entity="replica")
@fails_on_unreadable_body
@replicas.arguments(schemas.SyncReport())
@replicas.response(200, schemas.SyncStored())
def report_sync(body: Any, agent_id: str, replica_id: str) -> Any:
    """Report how the transfer of state goes."""
    return progress.report_sync(db.session(), agent_id, replica_id, body)


@replicas.route("/<agent_id>/create-emergency-replica", methods=["POST"])
@for_operators_and_agents(action="emergency_replica_created", entity="replica", id_in_answer="replica_id")
@fails_on_unreadable_body
@replicas.arguments(schemas.EmergencySignal())
@replicas.response(201, schemas.EmergencyReplica())
@replicas.alt_response(400, schema=Error(), description="There is no such signal")
@replicas.alt_response(403, schema=Error(), description="Automatic switching is off, and not bypassed")
@replicas.alt_response(404, schema=Error(), description="There is no such agent, or it has no known instance")
@replicas.alt_response(500, schema=Error(), description="No pool can take a replica")
def create_emergency_replica(body: dict[str, Any], agent_id: str) -> Any:
    """Start a replica because the instance is about to go."""
    settings: ReplicaSettings = current_app.extensions[EXTENSION]
    bypasses = settings.emergencies_bypass_auto_switch
    return emergency.create_emergency_replica(db.session(), agent_id, body, bypasses_auto_switch=bypasses)


@replicas.route("/<agent_id>/termination-imminent", methods=["POST"])
@for_operators_and_agents(action="failover", entity="agent")
@fails_on_unreadable_body
@replicas.arguments(schemas.TerminationNotice())
@replicas.response(200, schemas.FailedOver())
@replicas.alt_response(404, schema=Error(), description="The named replica does not stand by for the agent")
@replicas.alt_response(500, schema=schemas.NothingToFailOverTo(), description="No replica can take over")
def termination_imminent(body: dict[str, Any], agent_id: str) -> Any:
    """Pass on that the instance is about to go; a replica takes over."""
    return failover.answer_termination_notice(db.session(), agent_id, body)
