"""The routes of the spot domain."""

from backend.spot.api.admin import admin
from backend.spot.api.admin_clients import admin_clients
from backend.spot.api.agents import agents
from backend.spot.api.callers_described import SECURITY_SCHEMES
from backend.spot.api.client_agents import client_agents
from backend.spot.api.client_instances import client_instances
from backend.spot.api.clients import clients
from backend.spot.api.health import health
from backend.spot.api.models import models
from backend.spot.api.notifications import notifications
from backend.spot.api.replicas import replicas

BLUEPRINTS = (
    agents,
    replicas,
    clients,
    client_agents,
    client_instances,
    notifications,
    admin,
    admin_clients,
    models,
    health,
)
SECURITY = SECURITY_SCHEMES
