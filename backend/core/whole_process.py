"""`/healthz`, `/readyz` and `/metrics` of a process that serves several domains."""

from collections.abc import Mapping

from flask import Flask, Response, jsonify
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from backend.core.metrics import METRICS, render_metrics
from backend.core.readiness import READINESS, ready_answer
from backend.core.readiness_checks import Snapshot

PATHS = ("/healthz", "/metrics", "/readyz")


def whole_process(apps: Mapping[str, Flask]) -> Flask:
    """An application that answers for all `apps`: their checks have the domain's name before their own, as in
    `spot.database`; their figures have it as a label.
    """
    app = Flask(__name__, static_folder=None)
    app.add_url_rule("/healthz", "healthz", lambda: jsonify(status="alive"))
    app.add_url_rule("/readyz", "readyz", lambda: ready_answer(_all_checks(apps)))
    app.add_url_rule("/metrics", METRICS, lambda: _all_figures(apps))
    return app


def _all_checks(apps: Mapping[str, Flask]) -> Snapshot:
    snapshots = {domain: app.extensions[READINESS].snapshot() for domain, app in apps.items()}
    return Snapshot(
        {f"{domain}.{name}": check for domain, snapshot in snapshots.items() for name, check in snapshot.checks.items()}
    )


def _all_figures(apps: Mapping[str, Flask]) -> Response:
    with next(iter(apps.values())).app_context():
        return Response(render_metrics(list(apps.values())), content_type=CONTENT_TYPE_LATEST)
