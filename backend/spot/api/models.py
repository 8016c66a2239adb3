"""`/api/admin/decision-engine/...` and `/api/admin/ml-models/...`: files that decide."""

from backend.core.errors import answer_errors
from backend.core.openapi import Blueprint

models = Blueprint("models", __name__, url_prefix="/api/admin", description="Decision engines and models")
answer_errors(models)
