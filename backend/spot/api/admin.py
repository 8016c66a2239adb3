"""`/api/admin/...`: clients, fleet and state of the system."""

from backend.core.errors import answer_errors
from backend.core.openapi import Blueprint

admin = Blueprint("admin", __name__, url_prefix="/api/admin", description="The system as its operators see it")
answer_errors(admin)
