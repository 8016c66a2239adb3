"""The applications whose cost under gunicorn is compared. All answer the same JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any

from flask import Flask

from migration.ledger import Ledger
from migration.proxy import Proxy

RULE = "/api/agents/<agent_id>/config"
#: A request that every application answers.
TARGET = "/api/agents/1/config"
ANSWER = {"agent_id": "0b0e7a3c-5c0c-4e3c-9d3e-2f6f6c1f8a11", "mode": "ondemand", "online": True, "pools": [1, 2, 3]}
BODY = json.dumps(ANSWER).encode() + b"\n"
DOMAIN = "benchmark"


def bare(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """What gunicorn itself costs."""
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))])
    return [BODY]


def flask_view() -> Flask:
    """What the smallest JSON view in Flask costs."""
    app = Flask(__name__)

    @app.get(RULE)
    def config(agent_id: str) -> dict[str, Any]:
        return ANSWER

    return app


def proxy() -> Proxy:
    """What forwarding costs, with a ledger of routes as there is in production."""
    return Proxy(bare, os.environ["BENCHMARK_UPSTREAM"], Ledger(os.environ["CUTOVER_LEDGER_URL"]).reader(DOMAIN))
