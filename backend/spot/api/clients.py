"""`/api/client/...`: what a client sees of its agents, instances and savings."""

from backend.core.errors import answer_errors
from backend.core.openapi import Blueprint

clients = Blueprint("clients", __name__, url_prefix="/api/client", description="What a client sees")
answer_errors(clients)
