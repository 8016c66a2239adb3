"""`/api/client/instances/...` and `/api/client/pricing-history`: an instance, its prices and its switches."""

from typing import Any

from backend.core.errors import answer_errors
from backend.core.openapi import Blueprint
from backend.spot.api.access import for_operators
from backend.spot.api.authentication import authenticated
from backend.spot.models import db
from backend.spot.schemas import client_instances as schemas
from backend.spot.schemas.common import Error
from backend.spot.services import force_switch as switching
from backend.spot.services import instance_metrics, instance_pricing, price_history
from backend.spot.services.average_prices import Period
from backend.spot.services.callers import Caller

client_instances = Blueprint(
    "client_instances", __name__, url_prefix="/api/client", description="Instances, their prices and their switches"
)
answer_errors(client_instances)


@client_instances.route("/instances/<instance_id>/pricing", methods=["GET"])
@for_operators
@client_instances.response(200, schemas.InstancePricing())
@client_instances.alt_response(404, schema=Error(), description="There is no such instance")
def pricing(instance_id: str) -> Any:
    """What the instance costs where it runs, and would cost elsewhere."""
    return instance_pricing.pricing(db.session(), instance_id)


@client_instances.route("/instances/<instance_id>/metrics", methods=["GET"])
@for_operators
@client_instances.response(200, schemas.InstanceMetrics())
@client_instances.alt_response(404, schema=Error(), description="There is no such instance")
def metrics(instance_id: str) -> Any:
    """The instance in figures."""
    return instance_metrics.metrics(db.session(), instance_id)


@client_instances.route("/instances/<instance_id>/price-history", methods=["GET"])
@for_operators
@client_instances.arguments(schemas.Period(), location="query")
@client_instances.response(200, schemas.PriceHistory())
@client_instances.alt_response(404, schema=Error(), description="There is no such instance")
def prices_of_instance(period: dict[str, Any], instance_id: str) -> Any:
    """What the pools of the instance cost, hour by hour or day by day."""
    return price_history.of_instance(db.session(), instance_id, Period(**period))


@client_instances.route("/pricing-history", methods=["GET"])
@authenticated
@client_instances.arguments(schemas.PeriodOfAgent(), location="query")
@client_instances.response(200, schemas.PricingHistory())
@client_instances.alt_response(401, schema=Error(), description="The token is missing, or nobody's")
@client_instances.alt_response(404, schema=Error(), description="The client has no such agent, or none online")
def prices_of_agent(caller: Caller, wanted: dict[str, Any]) -> Any:
    """What the pools of an agent cost, hour by hour or day by day."""
    agent_id = wanted.pop("agent_id")
    return price_history.of_agent(db.session(), caller, agent_id, Period(**wanted))


@client_instances.route("/instances/<instance_id>/available-options", methods=["GET"])
@for_operators
@client_instances.response(200, schemas.AvailableOptions())
@client_instances.alt_response(404, schema=Error(), description="There is no such instance")
def available_options(instance_id: str) -> Any:
    """Where the instance could run, and as what."""
    return instance_pricing.available_options(db.session(), instance_id)


@client_instances.route("/instances/<instance_id>/force-switch", methods=["POST"])
@for_operators(action="switch_forced", entity="instance")
@client_instances.arguments(schemas.ForcedSwitch())
@client_instances.response(200, schemas.SwitchQueued())
@client_instances.alt_response(400, schema=Error(), description="The body makes no sense")
@client_instances.alt_response(404, schema=Error(), description="Nobody knows the instance, or it has no agent")
def force_switch(order: dict[str, Any], instance_id: str) -> Any:
    """Order a switch."""
    return switching.force(db.session(), instance_id, order)
