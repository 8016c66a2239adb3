"""The routes of the spot domain."""

from backend.spot.api.admin import admin
from backend.spot.api.agents import agents
from backend.spot.api.clients import clients
from backend.spot.api.health import health
from backend.spot.api.models import models
from backend.spot.api.notifications import notifications
from backend.spot.api.replicas import replicas

BLUEPRINTS = (agents, replicas, clients, notifications, admin, models, health)
SECURITY = {"clientToken": {"type": "http", "scheme": "bearer"}}
