"""Bodies and answers of the agent routes.

Only Registration is enforced. The other bodies say what callers send; the routes take them as they come.
"""

from typing import Any

from marshmallow import Schema, fields, validate

from backend.core.openapi import AsBuilt, AsSent, AsSentOrEmpty


def _text(longest: int | None = None, **options: Any) -> fields.String:
    return fields.String(validate=validate.Length(max=longest) if longest else None, **options)


class Registration(Schema):
    """An agent introduces itself. `public_ip` may be null: not every host has one."""

    client_token = _text(required=True, metadata={"example": "token-5tEu1vVw2xYz3AbC4dEf5GhI6jKl7MnO"})
    hostname = _text(255, metadata={"example": "ip-10-0-0-21"})
    logical_agent_id = _text(255, required=True, metadata={"example": "web-01"})
    instance_id = _text(required=True, metadata={"example": "i-0f81f1b5197fe5c15"})
    instance_type = _text(64, required=True, metadata={"example": "t3.medium"})
    region = _text(required=True, metadata={"example": "us-east-1"})
    az = _text(required=True, metadata={"example": "us-east-1a"})
    ami_id = _text(metadata={"example": "ami-000050f7a0e5e0224"})
    mode = fields.String(
        validate=validate.OneOf(["spot", "ondemand", "unknown"]), load_default="unknown", metadata={"example": "spot"}
    )
    agent_version = _text(32, metadata={"example": "4.0.0"})
    private_ip = _text(45, metadata={"example": "10.0.0.21"})
    public_ip = _text(45, allow_none=True, metadata={"example": "54.0.0.21"})


class Limits(Schema):
    """What an agent may do on its own. Flags are 0 or 1, percentages 0 to 100, the risk 0 to 1."""

    enabled = fields.Integer(metadata={"example": 1})
    auto_switch_enabled = fields.Integer(metadata={"example": 1})
    auto_terminate_enabled = fields.Integer(metadata={"example": 1})
    terminate_wait_seconds = fields.Integer(allow_none=True, metadata={"example": 300})
    replica_enabled = fields.Integer(metadata={"example": 0})
    replica_count = fields.Integer(metadata={"example": 0})
    min_savings_percent = fields.Float(metadata={"example": 15.0})
    risk_threshold = fields.Float(metadata={"example": 0.3})
    max_switches_per_week = fields.Integer(metadata={"example": 10})
    min_pool_duration_hours = fields.Integer(metadata={"example": 2})


class Registered(Schema):
    """The identity an agent keeps, and its limits."""

    agent_id = fields.String(metadata={"example": "7ae84e88-c919-4b18-94f3-6ab26f7d13f4"})
    client_id = fields.String(metadata={"example": "57c52b35-b975-43c4-97fa-fd24e36ced56"})
    config = fields.Nested(Limits)


class Config(AsBuilt, Limits):
    """The limits with the replica mode."""

    manual_replica_enabled = fields.Integer(metadata={"example": 0})


class Heartbeat(AsSentOrEmpty):
    """A sign of life; what is null or absent stays as it is."""

    status = fields.String(load_default="online", allow_none=True, metadata={"example": "online"})
    instance_id = fields.String(allow_none=True, metadata={"example": "i-0f81f1b5197fe5c15"})
    instance_type = fields.String(allow_none=True, metadata={"example": "t3.medium"})
    mode = fields.String(allow_none=True, metadata={"example": "spot"})
    az = fields.String(allow_none=True, metadata={"example": "us-east-1a"})


class PendingCommand(Schema):
    """A command that waits for its agent."""

    id = fields.String(metadata={"example": "619e6054-e93e-43b5-96ec-30f55ef45b54"})
    instance_id = fields.String(allow_none=True, metadata={"example": "i-0f81f1b5197fe5c15"})
    target_mode = fields.String(allow_none=True, metadata={"example": "spot"})
    target_pool_id = fields.String(allow_none=True, metadata={"example": "t3.medium.us-east-1c"})
    priority = fields.Integer(allow_none=True, metadata={"example": 75})
    terminate_wait_seconds = fields.Integer(allow_none=True, metadata={"example": 300})
    created_at = fields.Raw(allow_none=True, metadata={"type": "string", "format": "date-time"})


class CommandOutcome(AsSentOrEmpty):
    """How a command went."""

    success = fields.Boolean(load_default=True, metadata={"example": True})
    message = fields.String(load_default="", metadata={"example": "Switch completed"})


class InstanceDescription(Schema):
    """An instance as agents describe it."""

    instance_id = fields.String(allow_none=True, metadata={"example": "i-0f81f1b5197fe5c15"})
    instance_type = fields.String(allow_none=True, metadata={"example": "t3.medium"})
    region = fields.String(allow_none=True, metadata={"example": "us-east-1"})
    az = fields.String(allow_none=True, metadata={"example": "us-east-1a"})
    mode = fields.String(allow_none=True, metadata={"example": "spot"})
    pool_id = fields.String(allow_none=True, metadata={"example": "t3.medium.us-east-1a"})
    ami_id = fields.String(allow_none=True, metadata={"example": "ami-000050f7a0e5e0224"})


class PoolPrice(Schema):
    """What one pool costs an hour, in dollars."""

    pool_id = fields.String(metadata={"example": "t3.medium.us-east-1a"})
    az = fields.String(metadata={"example": "us-east-1a"})
    price = fields.Float(metadata={"example": 0.0128})


class PriceList(Schema):
    """Hourly prices in dollars, as an agent collected them."""

    on_demand_price = fields.Float(allow_none=True, metadata={"example": 0.0416})
    current_spot_price = fields.Float(allow_none=True, metadata={"example": 0.0128})
    cheapest_pool = fields.Nested(PoolPrice, allow_none=True)
    spot_pools = fields.List(fields.Nested(PoolPrice))
    collected_at = fields.String(allow_none=True, metadata={"example": "2026-11-21T03:12:00.272826+00:00"})


class PricingReport(AsSent):
    """Prices an agent collected where its instance runs."""

    instance = fields.Nested(InstanceDescription)
    pricing = fields.Nested(PriceList)


class SwitchPrices(Schema):
    """Hourly prices in dollars before and after a switch."""

    on_demand = fields.Float(metadata={"example": 0.0416})
    old_spot = fields.Float(allow_none=True, metadata={"example": 0.0128})
    new_spot = fields.Float(allow_none=True, metadata={"example": 0.0119})


class SwitchReport(AsSent):
    """A switch an agent has made. Agents say `prices`; `pricing` is the same thing."""

    old_instance = fields.Nested(InstanceDescription)
    new_instance = fields.Nested(InstanceDescription)
    pricing = fields.Nested(SwitchPrices)
    prices = fields.Nested(SwitchPrices)
    timing = fields.Dict(keys=fields.String(), values=fields.String(allow_none=True))
    trigger = fields.String(allow_none=True, metadata={"example": "manual"})
    command_id = fields.String(allow_none=True, metadata={"example": "619e6054-e93e-43b5-96ec-30f55ef45b54"})


class Termination(AsSentOrEmpty):
    """Why an agent stops."""

    reason = fields.String(load_default="Unknown", allow_none=True, metadata={"example": "Current pool saves 69.2%"})


class CleanupReport(AsSentOrEmpty):
    """What an agent deleted, and failed to delete."""

    timestamp = fields.String(allow_none=True, metadata={"example": "2026-11-21T03:22:11.209292+00:00"})
    snapshots = fields.Dict()
    amis = fields.Dict()


class CleanupRecorded(Schema):
    """How many things were counted."""

    success = fields.Boolean(metadata={"example": True})
    message = fields.String(metadata={"example": "Switch completed"})
    deleted_snapshots = fields.Integer(metadata={"example": 3})
    deleted_amis = fields.Integer(metadata={"example": 1})
    failed_count = fields.Integer(metadata={"example": 0})


class RebalanceSignal(AsSentOrEmpty):
    """The provider recommends to leave an instance."""

    instance_id = fields.String(required=True, metadata={"example": "i-0f81f1b5197fe5c15"})
    detected_at = fields.String(allow_none=True, metadata={"example": "2026-11-21T03:22:07.970026+00:00"})


class RebalanceAdvice(Schema):
    """Stay and watch, or move; the target only when moving."""

    success = fields.Boolean(metadata={"example": True})
    action = fields.String(validate=validate.OneOf(["monitor", "switch"]), metadata={"example": "monitor"})
    reason = fields.String(metadata={"example": "Current pool saves 69.2%"})
    risk_score = fields.Float(metadata={"example": 0.1})
    target_mode = fields.String(metadata={"example": "spot"})
    target_pool_id = fields.String(metadata={"example": "t3.medium.us-east-1c"})
    target_pool_name = fields.String(allow_none=True, metadata={"example": "t3.medium (us-east-1c)"})


class ReplicaConfig(Schema):
    """Whether the agent keeps replicas (0 or 1), and how many."""

    enabled = fields.Integer(metadata={"example": 1})
    count = fields.Integer(metadata={"example": 1})


class Situation(AsSent):
    """What an agent knows when it asks for a decision."""

    instance = fields.Nested(InstanceDescription, required=True)
    pricing = fields.Nested(PriceList, required=True)


class Decision(AsBuilt):
    """What to do, and whether it may be done now. Risks are 0 to 1, savings dollars an hour.

    Engines may add fields of their own.
    """

    instance_id = fields.Raw(allow_none=True, metadata={"example": "i-0f81f1b5197fe5c15"})
    risk_score = fields.Float(metadata={"example": 0.1})
    recommended_action = fields.String(metadata={"example": "stay"})
    recommended_mode = fields.Raw(allow_none=True, metadata={"example": "spot"})
    recommended_pool_id = fields.Raw(allow_none=True, metadata={"example": "t3.medium.us-east-1a"})
    expected_savings_per_hour = fields.Float(metadata={"example": 0.0})
    allowed = fields.Boolean(metadata={"example": False})
    reason = fields.String(metadata={"example": "Current pool saves 69.2%"})


class PoolSummary(Schema):
    """A pool by name."""

    id = fields.String(allow_none=True, metadata={"example": "619e6054-e93e-43b5-96ec-30f55ef45b54"})
    name = fields.String(allow_none=True, metadata={"example": "t3.medium (us-east-1c)"})
    az = fields.String(allow_none=True, metadata={"example": "us-east-1a"})


class AlternativePool(PoolSummary):
    """Another pool with its hourly price in dollars."""

    spot_price = fields.Float(metadata={"example": 0.0119})


class Recommendation(AsBuilt):
    """What the engine would do now. It may add fields of its own."""

    agent_id = fields.String(metadata={"example": "7ae84e88-c919-4b18-94f3-6ab26f7d13f4"})
    decision_type = fields.String(metadata={"example": "stay_spot"})
    recommended_pool_id = fields.String(allow_none=True, metadata={"example": "t3.medium.us-east-1a"})
    risk_score = fields.Float(metadata={"example": 0.1})
    expected_savings = fields.Float(metadata={"example": 0.0288})
    confidence = fields.Float(metadata={"example": 0.6})
    reason = fields.String(metadata={"example": "Current pool saves 69.2%"})
    auto_switch_enabled = fields.Integer(metadata={"example": 1})
    will_auto_execute = fields.Raw(metadata={"description": "0 when automatic switching is off, else true or false"})
    current_pool = fields.Nested(PoolSummary)
    alternative_pools = fields.List(fields.Nested(AlternativePool))


class SwitchOrder(AsSentOrEmpty):
    """A switch somebody orders."""

    target_mode = fields.String(
        required=True, validate=validate.OneOf(["spot", "ondemand"]), metadata={"example": "spot"}
    )
    target_pool_id = fields.String(allow_none=True, metadata={"example": "t3.medium.us-east-1c"})
    reason = fields.String(allow_none=True, metadata={"example": "Current pool saves 69.2%"})
    priority = fields.Integer(load_default=5, metadata={"example": 75})


class SwitchOrdered(Schema):
    """The command that was queued."""

    success = fields.Boolean(metadata={"example": True})
    command_id = fields.String(metadata={"example": "619e6054-e93e-43b5-96ec-30f55ef45b54"})
    agent_id = fields.String(metadata={"example": "7ae84e88-c919-4b18-94f3-6ab26f7d13f4"})
    target_mode = fields.String(metadata={"example": "spot"})
    target_pool_id = fields.String(allow_none=True, metadata={"example": "t3.medium.us-east-1c"})
    reason = fields.Raw(metadata={"type": "string"})
    message = fields.String(metadata={"example": "Switch completed"})
    auto_switch_enabled = fields.Boolean(metadata={"example": 1})
