"""Who is calling: the client whose token comes with the request."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import current_app, request
from werkzeug.exceptions import HTTPException, InternalServerError

from backend.core.database import run_and_commit
from backend.core.errors import RequestRefusedError
from backend.spot.models import db
from backend.spot.services.callers import Caller, identify


def authenticated(view: Callable[..., Any]) -> Callable[..., Any]:
    """Call `view` with the Caller first, in one transaction; refuse whoever has no valid token.

    Only trouble with the token is answered here; a body that cannot be read for it gets the framework's page.
    """

    @wraps(view)
    def checked(**path: str) -> Any:
        token = _offered_token()
        return run_and_commit(db.session(), lambda: view(_identified(token, path.get("agent_id")), **path))

    return checked


def _offered_token() -> str:
    token = request.headers.get("Authorization", "").strip().replace("Bearer ", "").strip()
    if token:
        return token
    body = request.get_json() or {}
    offered = body.get("client_token", "") if isinstance(body, dict) else None
    if not isinstance(offered, str):
        raise InternalServerError
    return offered.strip()


def _identified(token: str, agent_id: str | None) -> Caller:
    try:
        return identify(db.session(), token, agent_id, request.path)
    except (RequestRefusedError, HTTPException):
        raise
    except Exception as error:
        current_app.logger.exception("token check failed")
        raise InternalServerError(original_exception=error) from error
