"""Bodies and answers of the replica routes. The bodies say what callers send; the routes take them as they come."""

from typing import Any

from marshmallow import Schema, fields

from backend.core.openapi import AsSentOrEmpty, FromDatabase, Query
from backend.spot.schemas.example_fields import many, moment, number, one, text, truth, whole

REPLICA_ID = "6c649818-8441-45f7-b5d3-64f959b55089"
INSTANCE_ID = "i-0a1b2c3d4e5f60718"
POOL_ID = "t3.medium.us-east-1b"


def _zones(example: str) -> fields.List:
    return fields.List(fields.String(), metadata={"example": [example]})


def _echo(kind: str, example: Any) -> fields.Raw:
    """What was sent comes back, whatever it was."""
    return fields.Raw(metadata={"type": kind, "example": example})


class WantedReplica(AsSentOrEmpty):
    """A replica to start. Without `pool_id`, or with `auto`, it goes to the cheapest suitable pool."""

    pool_id = text(POOL_ID, nullable=True)
    exclude_zones = _zones("us-east-1a")
    max_hourly_cost = number(0.02, nullable=True)
    tags = fields.Raw(metadata={"example": {"env": "test"}})
    created_by = text("ops", nullable=True)


class StandbyPool(Schema):
    """The pool a replica is in; only its id is known of a pool that is gone."""

    id = text(POOL_ID, nullable=True)
    name = text("t3.medium (us-east-1b)", nullable=True)
    instance_type = text("t3.medium", nullable=True)
    region = text("us-east-1", nullable=True)
    az = text("us-east-1b", nullable=True)


class StartedReplica(Schema):
    """The replica that was made. Its instance id is a placeholder until the agent has launched it."""

    success = truth(True)
    replica_id = text(REPLICA_ID)
    instance_id = text("replica-6c649818")
    pool = one(StandbyPool)
    hourly_cost = number(0.0131, nullable=True)
    status = text("launching")
    message = text("Replica is launching. Connect your agent to establish sync.")


class ReplicaFilter(Query):
    """Which replicas to list."""

    status = text("launching")
    include_terminated = text("true")


class StandbyCost(Schema):
    """Dollars, an hour and so far."""

    hourly = number(0.0131, nullable=True)
    total = number(0.0)


class Replica(Schema):
    """A replica of an agent's instance. `pool_id`, `region` and `az` are its own, `pool` is what the pool says."""

    id = text(REPLICA_ID)
    instance_id = text(INSTANCE_ID)
    type = text("manual")
    status = text("launching")
    sync_status = text("initializing", nullable=True)
    sync_latency_ms = whole(150, nullable=True)
    state_transfer_progress = number(40.5)
    pool = one(StandbyPool)
    pool_id = text(POOL_ID, nullable=True)
    region = text("us-east-1", nullable=True)
    az = text("us-east-1b", nullable=True)
    cost = one(StandbyCost)
    created_by = text("ops", nullable=True)
    created_at = moment(nullable=True)
    ready_at = moment(nullable=True)
    terminated_at = moment(nullable=True)
    age_seconds = whole(25)
    is_active = truth(True)
    tags = fields.Raw(allow_none=True, metadata={"example": {"env": "test"}})


class Replicas(FromDatabase):
    """The replicas of an agent, newest first."""

    replicas = many(Replica)
    total = whole(1)


class Promotion(AsSentOrEmpty):
    """Whether the former primary is to stand by (the default) or to be retired."""

    demote_old_primary = _echo("boolean", True)
    wait_for_sync = _echo("boolean", True)


class Promoted(Schema):
    """What took over from what, and when. `demoted` repeats what was asked for."""

    success = truth(True)
    message = text("Replica promoted to primary")
    new_instance_id = text(INSTANCE_ID)
    old_instance_id = text("i-0ffffffffffffffff")
    demoted = _echo("boolean", True)
    switch_time = text("2026-11-21T03:15:43.778988")


class Terminated(Schema):
    """The replica is gone."""

    success = truth(True)
    message = text("Replica terminated")
    replica_id = text(REPLICA_ID)
    terminated_at = text("2026-11-21T03:15:42.846953")


class LaunchedInstance(AsSentOrEmpty):
    """The instance that was launched for a replica."""

    instance_id = text(INSTANCE_ID)
    status = text("syncing")


class InstanceStored(Schema):
    """What was stored, as it was sent."""

    success = truth(True)
    replica_id = text(REPLICA_ID)
    instance_id = _echo("string", INSTANCE_ID)
    status = _echo("string", "syncing")


class ReportedStatus(AsSentOrEmpty):
    """How far a replica is."""

    status = text("ready")
    sync_started_at = text("2026-11-21T03:15:43.197377+00:00", nullable=True)
    sync_completed_at = text("2026-11-21T03:15:53Z", nullable=True)
    error_message = text("no capacity", nullable=True)


class StatusStored(Schema):
    """The status that was stored."""

    success = truth(True)
    replica_id = text(REPLICA_ID)
    status = text("ready")


class SyncReport(AsSentOrEmpty):
    """How the transfer of state goes; 100 percent make a replica ready."""

    sync_status = text("syncing", nullable=True)
    sync_latency_ms = whole(150, nullable=True)
    state_transfer_progress = number(40.5)
    status = text("syncing")


class SyncStored(Schema):
    """It was stored."""

    success = truth(True)
    message = text("Sync status updated")


class EmergencySignal(AsSentOrEmpty):
    """The signal that asks for an emergency replica, and where it may go."""

    signal_type = text("rebalance-recommendation")
    instance_id = text(INSTANCE_ID, nullable=True)
    termination_time = text("2026-11-21T03:45:00Z", nullable=True)
    preferred_zones = _zones("us-east-1b")
    exclude_zones = _zones("us-east-1a")


class EmergencyPool(Schema):
    """The pool an emergency replica goes to."""

    id = text(POOL_ID, nullable=True)
    name = text("t3.medium (us-east-1b)", nullable=True)
    az = text("us-east-1b", nullable=True)


class EmergencyReplica(Schema):
    """The replica that will take over. `replica_instance_id` is `instance_id` under the agents' name for it."""

    success = truth(True)
    replica_id = text(REPLICA_ID)
    instance_id = text("emergency-6c649818")
    replica_instance_id = text("emergency-6c649818")
    pool = one(EmergencyPool)
    hourly_cost = number(0.0131, nullable=True)
    message = text("Emergency replica created. Connect immediately for state sync.")
    urgency = text("high")


class TerminationNotice(AsSentOrEmpty):
    """The provider's notice that an instance goes, and which replica should take over (any, if it is not said)."""

    instance_id = text(INSTANCE_ID)
    termination_time = text("2026-11-21T03:45:00Z", nullable=True)
    replica_id = text(REPLICA_ID, nullable=True)
    detected_at = text("2026-11-21T03:43:01.349407+00:00", nullable=True)


class FailedOver(Schema):
    """What took over, and how long that took."""

    success = truth(True)
    action = text("replica_promoted")
    message = text("Automatic failover completed")
    replica_id = text(REPLICA_ID)
    new_instance_id = text(INSTANCE_ID)
    failover_time_ms = whole(37)


class NothingToFailOverTo(Schema):
    """No replica can take over: the agent should save what it can."""

    success = truth(False)
    action = text("emergency_snapshot_required")
    error = text("No replica available")
    message = text("Agent should create emergency state snapshot and upload to S3")
