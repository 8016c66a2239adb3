"""A client's agents, their settings and what they decided."""

from marshmallow import Schema, fields

from backend.core.openapi import AsBuilt, AsSentOrEmpty, FromDatabase
from backend.spot.schemas.clients import AGENT_ID, POOL_ID
from backend.spot.schemas.example_fields import flag, many, moment, number, one, text, truth, whole


class ClientAgent(FromDatabase):
    """An agent with its settings."""

    id = text(AGENT_ID)
    logicalAgentId = text("dash-03")
    status = text("online")
    lastHeartbeat = moment(nullable=True)
    agentVersion = text("4.0.0", nullable=True)
    instanceId = text("i-0abc1234", nullable=True)
    instanceType = text("t3.medium", nullable=True)
    region = text("us-east-1", nullable=True)
    az = text("us-east-1a", nullable=True)
    currentMode = text("ondemand", nullable=True)
    instanceCount = whole(0)
    enabled = flag(1, nullable=True)
    autoSwitchEnabled = flag(1, nullable=True)
    autoTerminateEnabled = flag(1, nullable=True)
    manualReplicaEnabled = flag(0, nullable=True)
    terminateWaitMinutes = whole(5)


class FormerAgent(FromDatabase):
    """An agent, deleted ones among them, and how long its instance lived."""

    id = text(AGENT_ID)
    logicalAgentId = text("dash-03")
    status = text("deleted", nullable=True)
    lastHeartbeat = moment(nullable=True)
    instanceId = text("i-0abc1234", nullable=True)
    instanceType = text("t3.medium", nullable=True)
    region = text("us-east-1", nullable=True)
    az = text("us-east-1a", nullable=True)
    currentMode = text("ondemand", nullable=True)
    enabled = flag(0, nullable=True)
    autoSwitchEnabled = flag(0, nullable=True)
    manualReplicaEnabled = flag(0, nullable=True)
    createdAt = moment()
    updatedAt = moment()
    installedAt = moment(nullable=True)
    terminatedAt = moment(nullable=True)


class Elapsed(Schema):
    """How long ago something was."""

    minutes = whole(5)
    formatted = text("5 min ago")
    value = whole(5)
    unit = text("minutes")


class LastDecision(Schema):
    """The newest decision of an agent; nulls when there is none."""

    type = text("stay", nullable=True)
    time = moment(nullable=True)
    elapsed = one(Elapsed, nullable=True)


class PastDecision(Schema):
    """A decision of the last five. Savings are dollars an hour, the risk 0 to 1."""

    type = text("stay")
    action = text("stay", nullable=True)
    time = moment(nullable=True)
    riskScore = number(0.2, nullable=True)
    expectedSavings = number(0.0297, nullable=True)
    currentMode = text("spot", nullable=True)


class ReportedPrices(Schema):
    """Hourly prices in dollars that an agent reported."""

    time = moment(nullable=True)
    onDemandPrice = number(0.0416)
    spotPrice = number(0.0119)


class AgentEvent(Schema):
    """Something that happened to an agent."""

    type = text("switch_completed")
    severity = text("info", nullable=True)
    message = text("Switch from i-0abc1234 to i-0def5678", nullable=True)
    time = moment(nullable=True)


class PricingHealth(Schema):
    """Whether an agent reports prices. The count is of the last five."""

    status = text("active")
    lastReport = moment(nullable=True)
    recentReportsCount = whole(5)


class DecisionHealth(Schema):
    """What an agent's health was judged by. The counts are of the last five."""

    overall = text("healthy")
    heartbeat = text("active")
    activity = text("active")
    decisionCount = whole(5)
    recentReportsCount = whole(5)


class Activity(Schema):
    """The last five things of each kind, newest first."""

    healthStatus = one(DecisionHealth)
    pricingReports = many(ReportedPrices)
    systemEvents = many(AgentEvent)


class AgentDecisions(FromDatabase):
    """An agent with what it decided and did last."""

    agentId = text(AGENT_ID)
    agentName = text("dash-03")
    status = text("online", nullable=True)
    lastHeartbeat = text("< 1 min ago")
    isHealthy = truth(True)
    currentMode = text("spot", nullable=True)
    currentPoolId = text(POOL_ID, nullable=True)
    lastDecision = one(LastDecision)
    pricingHealth = one(PricingHealth)
    decisionHistory = many(PastDecision)
    recentActivity = one(Activity)


class Toggle(AsSentOrEmpty):
    """Whether the agent is to work."""

    enabled = fields.Boolean(load_default=True, allow_none=True)


class AgentSettings(AsSentOrEmpty):
    """What is to be set; what is absent stays as it is."""

    auto_switch_enabled = fields.Boolean(allow_none=True)
    auto_terminate_enabled = fields.Boolean(allow_none=True)
    replica_enabled = fields.Boolean(allow_none=True)
    replica_count = fields.Integer(allow_none=True)


class AgentConfiguration(AsSentOrEmpty):
    """What is to be set; what is absent stays as it is. Automatic switching and manual replicas exclude each other."""

    terminateWaitMinutes = fields.Integer()
    terminate_wait_minutes = fields.Integer(metadata={"description": "Another name of terminateWaitMinutes"})
    autoTerminateEnabled = fields.Boolean()
    autoSwitchEnabled = fields.Boolean()
    manualReplicaEnabled = fields.Boolean()


class AgentConfigured(AsBuilt):
    """What was asked for, or was set before."""

    success = truth(True)
    auto_switch_enabled = truth(True)
    manual_replica_enabled = truth(False)


class AgentDeleted(AsBuilt):
    """The agent is marked as deleted."""

    success = truth(True)
    agent_id = text(AGENT_ID)
    message = text("Agent deleted successfully")
