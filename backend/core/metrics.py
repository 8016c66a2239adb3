"""`/metrics`: figures for Prometheus."""

from flask import Flask, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

METRICS = "metrics"


def install_metrics(app: Flask) -> None:
    """Serve whatever is registered with `app.extensions["metrics"]`, a CollectorRegistry of this application alone.

    Several processes serve the application and any of them may be asked, so a collector must tell of all of them.
    """
    registry = CollectorRegistry()
    app.extensions[METRICS] = registry
    app.add_url_rule("/metrics", METRICS, lambda: Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST))
