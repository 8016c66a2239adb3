"""The routes of the spot domain."""

from backend.spot.api.agents import agents
from backend.spot.api.health import health

BLUEPRINTS = (agents, health)
SECURITY = {"clientToken": {"type": "http", "scheme": "bearer"}}
