"""Instances of clients: their prices, their switches, and where else they could run."""

from typing import Any

from marshmallow import Schema, fields, validate

from backend.core.openapi import AsBuilt, FromDatabase, Query
from backend.spot.schemas.clients import POOL_ID
from backend.spot.schemas.example_fields import many, number, one, text, truth, whole

DEFAULT_DAYS = 7
MOST_DAYS = 90
MOST_DAYS_OF_AGENTS = 30


class Pool(Schema):
    """A pool by name."""

    id = text(POOL_ID)
    name = text("t3.medium (us-east-1c)")
    az = text("us-east-1c", nullable=True)


class PricedPool(Pool):
    """A pool with its newest price of the last hour and the percentage it saves; both 0 when there is none."""

    price = number(0.0119)
    savings = number(71.39423076923077)


class OnDemand(Schema):
    """What the instance costs an hour on demand, in dollars."""

    name = text("On-Demand")
    price = number(0.0416)


class InstancePricing(FromDatabase):
    """What an instance costs where it is, and elsewhere; cheapest pool first."""

    currentMode = text("spot")
    currentPool = one(Pool, nullable=True)
    onDemand = one(OnDemand)
    pools = many(PricedPool)


class InstanceMetrics(FromDatabase):
    """An instance in figures: dollars an hour, dollars saved a day, hours."""

    id = text("i-0abc1234")
    instanceType = text("t3.medium")
    currentMode = text("spot", nullable=True)
    currentPoolId = text(POOL_ID, nullable=True)
    spotPrice = number(0.0119)
    onDemandPrice = number(0.0416)
    baselineOnDemandPrice = number(0.0416)
    uptimeHours = whole(100)
    hoursSinceLastSwitch = whole(25)
    totalSwitches = whole(3)
    switchesLast7Days = whole(1)
    switchesLast30Days = whole(2)
    totalSavings = number(0.7128)
    savingsLast30Days = number(0.7128)


class Period(Query):
    """How far back, and in which steps."""

    days = fields.Integer(load_default=DEFAULT_DAYS, metadata={"description": f"1 to {MOST_DAYS}"})
    interval = fields.String(load_default="hour", metadata={"description": "`hour`; anything else is a day"})

    def load(self, data: Any, **options: Any) -> dict[str, Any]:
        """Return `days` as a number within its limits, and whether the steps are hours (`hourly`)."""
        query = super().load(data, **options)
        return {"days": _within(MOST_DAYS, _number_or_default(query.get("days"))), "hourly": _is_hourly(query)}


class PeriodOfAgent(Query):
    """How far back, in which steps, and where which agent runs."""

    days = fields.Integer(load_default=DEFAULT_DAYS, metadata={"description": f"1 to {MOST_DAYS_OF_AGENTS}"})
    interval = fields.String(load_default="hour", metadata={"description": "`hour`; anything else is a day"})
    agent_id = fields.String(metadata={"description": "The client's agent; by default the one heard of last"})

    def load(self, data: Any, **options: Any) -> dict[str, Any]:
        """Return `days` within its limits, `hourly` and `agent_id`; raises ValueError when `days` is no number."""
        query = super().load(data, **options)
        days = _within(MOST_DAYS_OF_AGENTS, int(query.get("days", DEFAULT_DAYS)))
        return {"days": days, "hourly": _is_hourly(query), "agent_id": query.get("agent_id")}


class KeyedPool(Pool):
    """A pool and the key of its prices."""

    key = text(f"pool_{POOL_ID}")


class PricesAtTime(Schema):
    """Average prices in dollars of an hour or a day; those of pools stand under the pool's key, null when unknown."""

    time = text("2026-11-21 03:00")
    onDemand = number(0.0416)


class PriceHistory(FromDatabase):
    """Prices of the pools an instance could run in, oldest first. Without any pool the answer is an empty list."""

    onDemandPrice = number(0.0416)
    pools = many(KeyedPool)
    data = many(PricesAtTime, example=[{"time": "2026-11-21 03:00", "onDemand": 0.0416, f"pool_{POOL_ID}": 0.01186}])


class PoolPriceThen(Schema):
    """The average price of a pool, in dollars an hour."""

    pool_id = text(POOL_ID)
    az = text("us-east-1c")
    price = number(0.01186)


class HourOfPrices(Schema):
    """The average prices of an hour or a day, in dollars an hour."""

    timestamp = text("2026-11-21 03:00:00")
    ondemand_price = number(0.0416)
    spot_pools = many(PoolPriceThen)


class PricingHistory(FromDatabase):
    """Prices where an agent runs, oldest first. Without any pool the last three are left out."""

    days = whole(7)
    data_points = whole(1)
    history = many(HourOfPrices)
    agent_id = text("7d4a68e3-8494-4f20-8c79-681bdef0fb4a", nullable=True)
    instance_type = text("t3.medium")
    region = text("us-east-1")


class AvailablePool(Schema):
    """A pool with its newest price of the last hour in dollars; null when there is none."""

    id = text(POOL_ID)
    az = text("us-east-1c")
    instanceType = text("t3.medium")
    price = number(0.0119, nullable=True)


class AvailableOptions(AsBuilt):
    """Where an instance could run, and as what. `pools` and `instanceTypes` say the same under other names."""

    currentType = text("t3.medium")
    currentRegion = text("us-east-1")
    currentAz = text("us-east-1a")
    availablePools = many(AvailablePool)
    availableTypes = fields.List(fields.String(), metadata={"example": ["t3.large", "t3.medium"]})
    pools = many(AvailablePool)
    instanceTypes = fields.List(fields.String(), metadata={"example": ["t3.large", "t3.medium"]})


class ForcedSwitch(Schema):
    """Where an instance is to go."""

    target = fields.String(
        required=True, validate=validate.OneOf(["ondemand", "pool", "spot"]), metadata={"example": "pool"}
    )
    pool_id = fields.String(validate=validate.Length(max=128), metadata={"example": POOL_ID})
    new_instance_type = fields.String(validate=validate.Length(max=50), metadata={"example": "t3.large"})

    def load(self, data: Any, **options: Any) -> Any:
        """Check the body; whatever JSON counts as false stands for an empty object."""
        return super().load(data or {}, **options)


class SwitchQueued(AsBuilt):
    """The command that waits for the agent."""

    success = truth(True)
    command_id = text("f9f5e974-9d29-4148-977d-cd08f3643230")
    message = text("Switch command queued. Agent will execute on next check.")


def _number_or_default(days: str | None) -> int:
    try:
        return int(days) if days is not None else DEFAULT_DAYS
    except ValueError:
        return DEFAULT_DAYS


def _within(most: int, days: int) -> int:
    return max(1, min(most, days))


def _is_hourly(query: dict[str, Any]) -> bool:
    return bool(query.get("interval", "hour") == "hour")
