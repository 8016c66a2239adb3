"""`/api/agents/<agent_id>/replicas/...`: instances that stand by."""

from backend.core.errors import answer_errors
from backend.core.openapi import Blueprint

replicas = Blueprint("replicas", __name__, url_prefix="/api/agents", description="Instances that stand by")
answer_errors(replicas)
