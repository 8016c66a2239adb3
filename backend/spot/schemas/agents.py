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

    client_token = _text(required=True)
    hostname = _text(255)
    logical_agent_id = _text(255, required=True)
    instance_id = _text(required=True)
    instance_type = _text(64, required=True)
    region = _text(required=True)
    az = _text(required=True)
    ami_id = _text()
    mode = fields.String(validate=validate.OneOf(["spot", "ondemand", "unknown"]), load_default="unknown")
    agent_version = _text(32)
    private_ip = _text(45)
    public_ip = _text(45, allow_none=True)


class Limits(Schema):
    """What an agent may do on its own. Flags are 0 or 1, percentages 0 to 100, the risk 0 to 1."""

    enabled = fields.Integer()
    auto_switch_enabled = fields.Integer()
    auto_terminate_enabled = fields.Integer()
    terminate_wait_seconds = fields.Integer(allow_none=True)
    replica_enabled = fields.Integer()
    replica_count = fields.Integer()
    min_savings_percent = fields.Float()
    risk_threshold = fields.Float()
    max_switches_per_week = fields.Integer()
    min_pool_duration_hours = fields.Integer()


class Registered(Schema):
    """The identity an agent keeps, and its limits."""

    agent_id = fields.String()
    client_id = fields.String()
    config = fields.Nested(Limits)


class Config(Limits):
    """The limits with the replica mode."""

    manual_replica_enabled = fields.Integer()


class Heartbeat(AsSentOrEmpty):
    """A sign of life; what is null or absent stays as it is."""

    status = fields.String(load_default="online", allow_none=True)
    instance_id = fields.String(allow_none=True)
    instance_type = fields.String(allow_none=True)
    mode = fields.String(allow_none=True)
    az = fields.String(allow_none=True)


class PendingCommand(Schema):
    """A command that waits for its agent."""

    id = fields.String()
    instance_id = fields.String(allow_none=True)
    target_mode = fields.String(allow_none=True)
    target_pool_id = fields.String(allow_none=True)
    priority = fields.Integer(allow_none=True)
    terminate_wait_seconds = fields.Integer(allow_none=True)
    created_at = fields.Raw(allow_none=True, metadata={"type": "string", "format": "date-time"})


class CommandOutcome(AsSentOrEmpty):
    """How a command went."""

    success = fields.Boolean(load_default=True)
    message = fields.String(load_default="")


class InstanceDescription(Schema):
    """An instance as agents describe it."""

    instance_id = fields.String(allow_none=True)
    instance_type = fields.String(allow_none=True)
    region = fields.String(allow_none=True)
    az = fields.String(allow_none=True)
    mode = fields.String(allow_none=True)
    pool_id = fields.String(allow_none=True)
    ami_id = fields.String(allow_none=True)


class PoolPrice(Schema):
    """What one pool costs an hour, in dollars."""

    pool_id = fields.String()
    az = fields.String()
    price = fields.Float()


class PriceList(Schema):
    """Hourly prices in dollars, as an agent collected them."""

    on_demand_price = fields.Float(allow_none=True)
    current_spot_price = fields.Float(allow_none=True)
    cheapest_pool = fields.Nested(PoolPrice, allow_none=True)
    spot_pools = fields.List(fields.Nested(PoolPrice))
    collected_at = fields.String(allow_none=True)


class PricingReport(AsSent):
    """Prices an agent collected where its instance runs."""

    instance = fields.Nested(InstanceDescription)
    pricing = fields.Nested(PriceList)


class SwitchPrices(Schema):
    """Hourly prices in dollars before and after a switch."""

    on_demand = fields.Float()
    old_spot = fields.Float(allow_none=True)
    new_spot = fields.Float(allow_none=True)


class SwitchReport(AsSent):
    """A switch an agent has made. Agents say `prices`; `pricing` is the same thing."""

    old_instance = fields.Nested(InstanceDescription)
    new_instance = fields.Nested(InstanceDescription)
    pricing = fields.Nested(SwitchPrices)
    prices = fields.Nested(SwitchPrices)
    timing = fields.Dict(keys=fields.String(), values=fields.String(allow_none=True))
    trigger = fields.String(allow_none=True)
    command_id = fields.String(allow_none=True)


class Termination(AsSentOrEmpty):
    """Why an agent stops."""

    reason = fields.String(load_default="Unknown", allow_none=True)


class CleanupReport(AsSentOrEmpty):
    """What an agent deleted, and failed to delete."""

    timestamp = fields.String(allow_none=True)
    snapshots = fields.Dict()
    amis = fields.Dict()


class CleanupRecorded(Schema):
    """How many things were counted."""

    success = fields.Boolean()
    message = fields.String()
    deleted_snapshots = fields.Integer()
    deleted_amis = fields.Integer()
    failed_count = fields.Integer()


class RebalanceSignal(AsSentOrEmpty):
    """The provider recommends to leave an instance."""

    instance_id = fields.String(required=True)
    detected_at = fields.String(allow_none=True)


class RebalanceAdvice(Schema):
    """Stay and watch, or move; the target only when moving."""

    success = fields.Boolean()
    action = fields.String(validate=validate.OneOf(["monitor", "switch"]))
    reason = fields.String()
    risk_score = fields.Float()
    target_mode = fields.String()
    target_pool_id = fields.String()
    target_pool_name = fields.String(allow_none=True)


class ReplicaConfig(Schema):
    """Whether the agent keeps replicas (0 or 1), and how many."""

    enabled = fields.Integer()
    count = fields.Integer()


class Situation(AsSent):
    """What an agent knows when it asks for a decision."""

    instance = fields.Nested(InstanceDescription, required=True)
    pricing = fields.Nested(PriceList, required=True)


class Decision(AsBuilt):
    """What to do, and whether it may be done now. Risks are 0 to 1, savings dollars an hour.

    Engines may add fields of their own.
    """

    instance_id = fields.Raw(allow_none=True)
    risk_score = fields.Float()
    recommended_action = fields.String()
    recommended_mode = fields.Raw(allow_none=True)
    recommended_pool_id = fields.Raw(allow_none=True)
    expected_savings_per_hour = fields.Float()
    allowed = fields.Boolean()
    reason = fields.String()


class PoolSummary(Schema):
    """A pool by name."""

    id = fields.String(allow_none=True)
    name = fields.String(allow_none=True)
    az = fields.String(allow_none=True)


class AlternativePool(PoolSummary):
    """Another pool with its hourly price in dollars."""

    spot_price = fields.Float()


class Recommendation(AsBuilt):
    """What the engine would do now. It may add fields of its own."""

    agent_id = fields.String()
    decision_type = fields.String()
    recommended_pool_id = fields.String(allow_none=True)
    risk_score = fields.Float()
    expected_savings = fields.Float()
    confidence = fields.Float()
    reason = fields.String()
    auto_switch_enabled = fields.Integer()
    will_auto_execute = fields.Raw(metadata={"description": "0 when automatic switching is off, else true or false"})
    current_pool = fields.Nested(PoolSummary)
    alternative_pools = fields.List(fields.Nested(AlternativePool))


class SwitchOrder(AsSentOrEmpty):
    """A switch somebody orders."""

    target_mode = fields.String(required=True, validate=validate.OneOf(["spot", "ondemand"]))
    target_pool_id = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)
    priority = fields.Integer(load_default=5)


class SwitchOrdered(Schema):
    """The command that was queued."""

    success = fields.Boolean()
    command_id = fields.String()
    agent_id = fields.String()
    target_mode = fields.String()
    target_pool_id = fields.String(allow_none=True)
    reason = fields.Raw(metadata={"type": "string"})
    message = fields.String()
    auto_switch_enabled = fields.Boolean()
