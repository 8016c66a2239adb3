"""How each tool's one route finds its actions: every action has parameters of its own and a service that runs it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import marshmallow as ma
from werkzeug.exceptions import HTTPException

from backend.assistant.models import db
from backend.assistant.schemas.tools import Refusal, ToolAnswer, ToolCall
from backend.assistant.services.system import timestamp
from backend.core.complaints import complaints_in
from backend.core.database import run_and_commit
from backend.core.detail_blueprint import DetailBlueprint
from backend.core.errors import InvalidRequestError, RequestRefusedError


@dataclass(frozen=True)
class Action:
    """`run(session, **parameters)` answers what goes into the envelope's `data`.

    `parameters` loads what callers send as `parameters`. A run is one transaction: a refusal leaves nothing of it.
    """

    parameters: ma.Schema
    run: Callable[..., Any]


def tool_blueprint(name: str, title: str, actions: Mapping[str, Action]) -> DetailBlueprint:
    """The blueprint of `POST /api/tools/<name>`; `title` is the tool's name in the texts that callers see."""
    blueprint = DetailBlueprint(f"tool-{name}", __name__, url_prefix="/api/tools", description=f"The tool {title!r}")

    @blueprint.route(f"/{name}", methods=["POST"])
    @blueprint.arguments(ToolCall())
    @blueprint.response(200, ToolAnswer())
    @blueprint.alt_response(400, schema=Refusal(), description="There is no such action")
    @blueprint.doc(requestBody=_described(actions), operationId=f"tool_{name.replace('-', '_')}")
    def call(wanted: dict[str, Any]) -> Any:
        """Carry out one action of the tool."""
        action = wanted["action"]
        data = _run(title, action, actions, wanted["parameters"])
        message = f"{title} action '{action}' processed"
        return {"success": True, "data": data, "message": message, "timestamp": timestamp()}

    return blueprint


def _run(title: str, name: str, actions: Mapping[str, Action], given: dict[str, Any]) -> Any:
    action = actions.get(name)
    if action is None:
        raise RequestRefusedError(400, f"{title} has no action {name!r}; its actions are {', '.join(actions)}.")
    try:
        parameters = action.parameters.load(given)
    except ma.ValidationError as error:
        found = complaints_in(error.messages, given)
        raise InvalidRequestError([complaint.below("body", "parameters") for complaint in found]) from error
    try:
        return run_and_commit(db.session(), lambda: _kept_whole(action, parameters))
    except (RequestRefusedError, HTTPException):
        raise
    except Exception as error:
        # What an unforeseen error says may quote what callers sent, and tools are sent secrets.
        raise RequestRefusedError(500, f"{title} tool failed: {type(error).__name__}") from error


def _kept_whole(action: Action, parameters: dict[str, Any]) -> Any:
    try:
        return action.run(db.session(), **parameters)
    except RequestRefusedError:
        db.session().rollback()
        raise


def _described(actions: Mapping[str, Action]) -> dict[str, Any]:
    """The request's body in OpenAPI: one alternative for each action."""
    alternatives = [
        {
            "type": "object",
            "title": name,
            "required": ["action"],
            "properties": {"action": {"type": "string", "const": name}, "parameters": action.parameters},
        }
        for name, action in actions.items()
    ]
    return {"required": True, "content": {"application/json": {"schema": {"oneOf": alternatives}}}}
