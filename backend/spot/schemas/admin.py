"""What operators send and see."""

from typing import Any

from marshmallow import Schema, fields

from backend.core.openapi import AsBuilt, AsSentOrEmpty, FromDatabase, Query
from backend.spot.schemas.example_fields import many, moment, number, one, text, truth, whole
from backend.spot.schemas.jobs import JobHealth

CLIENT_ID = "a12fd31e-565e-4e79-8cab-55f593aeb76d"
AGENT_ID = "7d4a68e3-8494-4f20-8c79-681bdef0fb4a"
TOKEN = "token-" + 32 * "x"
DEFAULT_GROWTH, LONGEST_GROWTH = 30, 365


class NewClient(AsSentOrEmpty):
    """A client to be. Without an email it gets one made of its name."""

    name = fields.String(required=True, metadata={"example": "Acme Corp"})
    email = fields.String(metadata={"example": "ops@acme.example"})


class ClientWithToken(Schema):
    """A new client, and the token that lets its agents in."""

    id = text(CLIENT_ID)
    name = text("Acme Corp")
    status = text("active")
    token = text(TOKEN)


class ClientCreated(Schema):
    """The client was made."""

    success = truth(True)
    client = one(ClientWithToken)


class Done(Schema):
    """It was done, and what that means."""

    success = truth(True)
    message = text("Client 'Acme Corp' and all associated data have been deleted")


class TokenRenewed(Schema):
    """The old token is worth nothing any more."""

    success = truth(True)
    token = text(TOKEN)
    message = text("Token regenerated successfully. Update all agents with the new token.")


class ShownToken(Schema):
    """A client's token."""

    client_name = text("Acme Corp")
    token = text(TOKEN)


class ClientNumbers(FromDatabase):
    """A client with the numbers of its agents and its active instances. Savings are dollars."""

    id = text(CLIENT_ID)
    name = text("Acme Corp")
    status = text("active")
    agentsTotal = whole(4)
    agentsOnline = whole(3)
    instances = whole(4)
    totalSavings = number(1.44)
    lastSync = moment(nullable=True)


class GrowthQuery(Query):
    """How far back."""

    days = fields.Integer(
        load_default=DEFAULT_GROWTH,
        metadata={"description": f"From 1 to {LONGEST_GROWTH}; what is no whole number is {DEFAULT_GROWTH}"},
    )

    def load(self, data: Any, **_: Any) -> dict[str, Any]:
        """The number of days, brought into its limits."""
        try:
            days = int(super().load(data).get("days", DEFAULT_GROWTH))
        except ValueError:
            days = DEFAULT_GROWTH
        return {"days": min(max(days, 1), LONGEST_GROWTH)}


class DayOfGrowth(FromDatabase):
    """How many clients there were on a day."""

    date = fields.Date(metadata={"example": "2026-11-21"})
    total = whole(20)
    new = whole(1)
    active = whole(19)


class Stats(AsBuilt):
    """The system in numbers. Savings are dollars."""

    totalAccounts = whole(7)
    totalSavings = number(12.5)
    agentsTotal = whole(4)
    agentsOnline = whole(3)
    poolsCovered = whole(6)
    totalSwitches = whole(9)
    manualSwitches = whole(2)
    modelSwitches = whole(7)
    backendHealth = text("Healthy")
    decisionEngineLoaded = truth(True)
    mlModelsLoaded = truth(True)


class AgentQuery(Query):
    """Which agents are listed."""

    status = fields.String(metadata={"example": "online"})


class AgentOfClient(Schema):
    """An agent, and where its instance runs."""

    id = text(AGENT_ID)
    logicalAgentId = text("web-1")
    clientId = text(CLIENT_ID)
    clientName = text("Acme Corp")
    hostname = text("host-1", nullable=True)
    status = text("online", nullable=True)
    enabled = truth(True)
    autoSwitchEnabled = truth(True)
    version = text("4.0.0", nullable=True)
    instanceId = text("i-0abc1234", nullable=True)
    instanceType = text("t3.medium", nullable=True)
    region = text("us-east-1", nullable=True)
    az = text("us-east-1a", nullable=True)
    currentMode = text("spot", nullable=True)
    currentPoolId = text("t3.medium.us-east-1a", nullable=True)
    lastHeartbeatAt = moment(nullable=True)
    createdAt = moment()


class Agents(FromDatabase):
    """The agents that were asked for."""

    agents = many(AgentOfClient)
    total = whole(1)
    filters = one(AgentQuery)


class InstanceQuery(Query):
    """Which instances are listed."""

    status = fields.String(metadata={"description": "`active` or `terminated`; anything else is both"})
    mode = fields.String(metadata={"example": "spot"})
    region = fields.String(metadata={"example": "us-east-1"})


class InstanceOfClient(Schema):
    """An instance with its prices in dollars an hour."""

    id = text("i-0abc1234")
    instanceId = text("i-0abc1234")
    clientId = text(CLIENT_ID)
    clientName = text("Acme Corp")
    agentId = text(AGENT_ID, nullable=True)
    agentStatus = text("online", nullable=True)
    logicalAgentId = text("web-1", nullable=True)
    instanceType = text("t3.medium")
    region = text("us-east-1")
    az = text("us-east-1a")
    currentMode = text("spot", nullable=True)
    currentPoolId = text("t3.medium.us-east-1a", nullable=True)
    spotPrice = number(0.0125, nullable=True)
    ondemandPrice = number(0.0416, nullable=True)
    isActive = truth(True)
    installedAt = moment(nullable=True)
    createdAt = moment()


class Instances(FromDatabase):
    """The instances that were asked for."""

    instances = many(InstanceOfClient)
    total = whole(1)
    filters = one(InstanceQuery)


class ActivityEntry(FromDatabase):
    """Something that happened."""

    id = whole(1)
    type = fields.String(metadata={"enum": ["switch", "agent", "event"], "example": "agent"})
    text = fields.String(allow_none=True, metadata={"example": "Agent web-1 registered successfully"})
    time = moment()


class StoredFile(Schema):
    """A file that was uploaded; its size in bytes."""

    name = text("price_predictor.onnx")
    size = whole(40960)
    modified = moment()


class ActiveModel(Schema):
    """A model at work."""

    name = text("price_predictor", nullable=True)
    version = text("2.1.0", nullable=True)
    active = truth(True)


class EngineHealth(Schema):
    """The decision engine and its files."""

    loaded = truth(True)
    type = text("RuleDecisionEngine")
    version = text("2.0.0")
    files = many(StoredFile)
    filesUploaded = whole(0)


class ModelHealth(Schema):
    """The models and their files."""

    loaded = truth(True)
    name = text("RuleDecisionEngine")
    version = text("2.0.0")
    files = many(StoredFile)
    filesUploaded = whole(0)
    activeModels = many(ActiveModel)


class SystemHealth(FromDatabase):
    """The state of the system."""

    apiStatus = text("Healthy")
    database = fields.String(metadata={"enum": ["Connected", "Disconnected"], "example": "Connected"})
    connectionPool = fields.String(
        metadata={"description": "Free connections of the process that answers, and all", "example": "10/10"}
    )
    decisionEngine = text("Loaded")
    decisionEngineStatus = one(EngineHealth)
    jobs = many(JobHealth, description="The background jobs; none while the database does not answer")
    modelStatus = one(ModelHealth)
    timestamp = text("2026-11-21T03:15:56.123456")
