"""The bundled monolith with one fault put in on purpose, named by ``FAULT``: what a careless rewrite does."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from werkzeug.wrappers import Request, Response

from legacy.spot import create_app as create_monolith

AGENT = r"/api/agents/[^/]+"
_registered: list[str] = []


def _dropped_key(request: Request, response: Response, body: Any) -> None:
    if request.method == "GET" and re.fullmatch(f"{AGENT}/config", request.path) and response.status_code == 200:
        del body["risk_threshold"]


def _wrong_agent(request: Request, response: Response, body: Any) -> None:
    if request.path == "/api/agents/register" and response.status_code == 200:
        _registered.append(body["agent_id"])
    if request.path.endswith("/switch-recommendation") and response.status_code == 200:
        body["agent_id"] = next(agent for agent in _registered if agent != body["agent_id"])


def _short_list(request: Request, response: Response, body: Any) -> None:
    if re.fullmatch(r"/api/client/[^/]+/agents", request.path) and body:
        body.pop()


def _other_error_text(request: Request, response: Response, body: Any) -> None:
    if request.path.endswith("/heartbeat") and response.status_code == 404:
        body["error"] = "No such agent"


def _no_cors(request: Request, response: Response, body: Any) -> None:
    if request.path == "/api/admin/stats":
        del response.headers["Access-Control-Allow-Origin"]


def _an_hour_off(request: Request, response: Response, body: Any) -> None:
    if re.fullmatch(r"/api/client/[^/]+/agents", request.path):
        for agent in body:
            if agent["lastHeartbeat"]:
                late = datetime.fromisoformat(agent["lastHeartbeat"]) + timedelta(hours=1)
                agent["lastHeartbeat"] = late.isoformat()


def _ok_for_created(request: Request, response: Response, body: Any) -> None:
    if response.status_code == 201:
        response.status_code = 200


def _rounded_price(request: Request, response: Response, body: Any) -> None:
    if request.path.endswith("/pricing") and response.status_code == 200:
        for pool in body["pools"]:
            pool["price"] = round(pool["price"], 3)


FAULTS: dict[str, Callable[[Request, Response, Any], None]] = {
    "dropped key": _dropped_key,
    "wrong agent": _wrong_agent,
    "short list": _short_list,
    "other error text": _other_error_text,
    "no CORS header": _no_cors,
    "an hour off": _an_hour_off,
    "200 for 201": _ok_for_created,
    "rounded price": _rounded_price,
}


def create_app() -> Callable[..., Any]:
    """The monolith behind a middleware that spoils what ``FAULT`` says."""
    spoil = FAULTS[os.environ["FAULT"]]
    monolith = create_monolith()

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        request = Request(environ)
        response = Response.from_app(monolith, environ)
        body = response.get_json(silent=True) if response.is_json else None
        spoil(request, response, body)
        if response.is_json:
            response.set_data(json.dumps(body, sort_keys=True, separators=(",", ":")) + "\n")
        return response(environ, start_response)

    return application
