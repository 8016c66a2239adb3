"""What clients see of themselves."""

from marshmallow import Schema, fields

from backend.core.openapi import AsBuilt, FromDatabase, Query
from backend.spot.schemas.example_fields import flag, many, moment, number, one, text, truth, whole

CLIENT_ID = "a12fd31e-565e-4e79-8cab-55f593aeb76d"
AGENT_ID = "7d4a68e3-8494-4f20-8c79-681bdef0fb4a"
POOL_ID = "t3.medium.us-east-1c"


class Validity(AsBuilt):
    """Whose token it is."""

    valid = truth(True)
    client_id = text(CLIENT_ID)
    name = text("Dash Co")
    email = text("dash_co@example.com")


class Invalid(Schema):
    """The token lets nobody in, and why."""

    valid = truth(False)
    error = text("Invalid token")


class ClientOverview(FromDatabase):
    """A client with the numbers of its agents and its active instances. Savings are dollars."""

    id = text(CLIENT_ID)
    name = text("Dash Co")
    status = text("active")
    agentsOnline = whole(3)
    agentsTotal = whole(3)
    instances = whole(4)
    totalSavings = number(1.44)
    lastSync = moment(nullable=True)


class InstanceFilter(Query):
    """Which instances are listed."""

    status = fields.String(metadata={"description": "`active` or `terminated`; anything else is both"})
    mode = fields.String(metadata={"description": "`spot` or `ondemand`; `all` is any mode"})
    search = fields.String(metadata={"description": "Part of the id or the type; % and _ stand for anything"})


class ClientInstance(FromDatabase):
    """An instance with its mode and its prices in dollars an hour."""

    id = text("i-0abc1234")
    type = text("t3.medium")
    region = text("us-east-1")
    az = text("us-east-1c")
    mode = text("spot", nullable=True)
    poolId = text(POOL_ID)
    spotPrice = number(0.0119)
    onDemandPrice = number(0.0416)
    isActive = flag(1)
    lastSwitch = moment(nullable=True)


class Primary(Schema):
    """The instance that a replica stands by for."""

    instanceId = text("i-0abc1234", nullable=True)
    instanceType = text("t3.medium", nullable=True)
    region = text("us-east-1", nullable=True)
    az = text("us-east-1a", nullable=True)
    mode = text("ondemand", nullable=True)


class ReplicaPool(Schema):
    """Where a replica runs."""

    id = text(POOL_ID)
    name = text("t3.medium (us-east-1c)", nullable=True)
    instance_type = text("t3.medium", nullable=True)
    region = text("us-east-1", nullable=True)
    az = text("us-east-1c", nullable=True)


class ReplicaCost(Schema):
    """What a replica costs, in dollars."""

    hourly = number(0.0119, nullable=True)
    total = number(0.0)


class StandingReplica(Schema):
    """A replica and how far it has got. Progress is a percentage."""

    id = text("11dbf6a5-4b76-4eca-9f5f-be85d107af82")
    instanceId = text("i-0def5678")
    type = text("manual")
    status = text("ready")
    sync_status = text("synced", nullable=True)
    sync_latency_ms = whole(120, nullable=True)
    state_transfer_progress = number(100.0)
    pool = one(ReplicaPool, nullable=True)
    cost = one(ReplicaCost)
    created_by = text("user", nullable=True)
    created_at = moment()
    ready_at = moment(nullable=True)
    terminated_at = moment(nullable=True)
    is_active = truth(True)


class ClientReplica(FromDatabase):
    """A replica with the instance it stands by for."""

    agentId = text(AGENT_ID)
    primary = one(Primary)
    replica = one(StandingReplica)


class SavingsQuery(Query):
    """Which savings are listed."""

    range = fields.String(
        load_default="monthly", metadata={"description": "`monthly`; for anything else there is nothing"}
    )


class MonthlySavings(FromDatabase):
    """What a month cost and would have cost on demand, in dollars."""

    name = text("November")
    onDemandCost = number(109.75)
    modelCost = number(43.3333)
    savings = number(66.4167)


class SwitchFilter(Query):
    """Which switches are listed."""

    instance_id = fields.String(metadata={"description": "The instance before or after the switch"})


class SwitchRecord(FromDatabase):
    """A switch, the price after it and what it saves, in dollars an hour."""

    id = text("f6ee0865-7ed3-4732-9aee-dd25ec810a34")
    oldInstanceId = text("i-0abc1234", nullable=True)
    newInstanceId = text("i-0def5678", nullable=True)
    timestamp = moment()
    fromMode = text("ondemand", nullable=True)
    toMode = text("spot", nullable=True)
    fromPool = text("n/a")
    toPool = text(POOL_ID)
    trigger = text("manual")
    price = number(0.0119)
    savingsImpact = number(0.0297)


class MonthOfTrend(Schema):
    """What a month cost and would have cost on demand, in dollars."""

    month = text("November")
    baseline = number(109.75)
    actual = number(43.3333)
    savings = number(66.4167)


class ModeCount(Schema):
    """How many active instances run in a mode."""

    mode = text("spot", nullable=True)
    count = whole(2)


class DayOfSwitches(Schema):
    """How many switches were begun on a day."""

    date = text("2026-11-21")
    switches = whole(1)


class Charts(FromDatabase):
    """Savings of the last 12 months and switches of the last 30 days, oldest first; modes of today."""

    savingsTrend = many(MonthOfTrend)
    modeDistribution = many(ModeCount)
    switchFrequency = many(DayOfSwitches)
