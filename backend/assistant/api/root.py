"""`/`, `/api/health`, `/api/ready`, `/api/metrics` and the list of tools: what the assistant says of itself."""

import os
from typing import Any

from flask import Response, current_app
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from backend.assistant.api.llm_access import language_model
from backend.assistant.schemas import system as schemas
from backend.assistant.services import status
from backend.assistant.services.system import VERSION, figures
from backend.core.detail_blueprint import DetailBlueprint
from backend.core.metrics import render_metrics
from backend.core.readiness import Snapshot, readiness
from backend.core.readiness_checks import STARTING

#: Seconds that the first answers of checks are waited for.
FIRST_ANSWERS = 1.0

root = DetailBlueprint("root", __name__, description="What the assistant says of itself")


@root.route("/", methods=["GET"])
@root.response(200, schemas.About())
def about() -> Any:
    """Which program this is."""
    return {"name": "Westfall Personal Assistant Backend", "version": VERSION, "status": "running"}


@root.route("/api/health", methods=["GET"])
@root.response(200, schemas.Health())
def health() -> Any:
    """The process and its machine; answered at once, from what was last measured."""
    return status.health(os.getpid(), language_model())


@root.route("/api/ready", methods=["GET"])
@root.response(200, schemas.Ready())
@root.alt_response(503, schema=schemas.Ready(), description="Something that requests need is missing")
def ready() -> Any:
    """Whether requests can be served: 503 where not."""
    found = status.readiness(_what_is_known())
    answer = current_app.json.response(found)
    answer.status_code = 200 if found["ready"] else 503
    return answer


def _what_is_known() -> Snapshot:
    """What the checks have found. Right after the start, when they have found nothing yet, this waits for them."""
    known = readiness().snapshot()
    if any(check.state == STARTING for check in known.checks.values()):
        return readiness().snapshot(FIRST_ANSWERS)
    return known


@root.route("/api/metrics", methods=["GET"])
@root.response(200, description="Prometheus' text exposition, the assistant's own three series first")
def metrics() -> Any:
    """Figures for Prometheus."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    return Response(figures().encode() + render_metrics([app]), content_type=CONTENT_TYPE_PLAIN_0_0_4)


@root.route("/api/tools/", methods=["GET"])
@root.response(200, schemas.Tools())
def tools() -> Any:
    """The tools, and the actions of each."""
    return status.tools()
