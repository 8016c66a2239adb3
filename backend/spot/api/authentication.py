"""Who is calling: the client whose token comes with the request."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import current_app, request
from werkzeug.exceptions import HTTPException, InternalServerError

from backend.core.database import run_and_commit
from backend.core.errors import RequestRefusedError
from backend.core.wrong_tokens import count_wrong_token
from backend.spot.api.callers_described import AGENTS, describe_callers
from backend.spot.models import db
from backend.spot.services.callers import (
    CLIENT_WITH_AGENT,
    CLIENT_WITH_INSTANCE,
    CLIENT_WITH_LIMITS,
    Caller,
    UnknownTokenError,
    identify,
    record_unknown_token,
)
from backend.spot.services.client_tokens import TokenQuery


def authenticated(view: Callable[..., Any]) -> Callable[..., Any]:
    """Call `view` with the Caller first, in one transaction; refuse whoever has no valid token.

    Only trouble with the token is answered here; a body that cannot be read for it gets the framework's page.
    """

    return _checked(view, CLIENT_WITH_AGENT)


def authenticated_client(view: Callable[..., Any]) -> Callable[..., Any]:
    """Like `authenticated`, for views that don't care whose agent the path names: the Caller has none."""
    return _checked(view, None)


def authenticated_with_instance(view: Callable[..., Any]) -> Callable[..., Any]:
    """Like `authenticated`; of the Caller's agent only the instance and the status are known, which is quicker."""
    return _checked(view, CLIENT_WITH_INSTANCE)


def authenticated_with_limits(view: Callable[..., Any]) -> Callable[..., Any]:
    """Like `authenticated`; the Caller's agent comes with the limits it keeps."""
    return _checked(view, CLIENT_WITH_LIMITS)


def token_in_header() -> str:
    """The token that the request's header offers, or an empty text. No scheme is asked for."""
    return request.headers.get("Authorization", "").strip().replace("Bearer ", "").strip()


def identified(token: str, agent_id: str | None, with_agent: TokenQuery = CLIENT_WITH_AGENT) -> Caller:
    """The caller with `token`, speaking for an agent; refused as `identify` does, and for too many wrong tokens.

    Trouble with the database is the framework's page.
    """
    try:
        return identify(db.session(), token, agent_id, with_agent)
    except UnknownTokenError:
        # Whoever is only guessing leaves no more events.
        count_wrong_token()
        record_unknown_token(db.session(), request.path)
        raise
    except (RequestRefusedError, HTTPException):
        raise
    except Exception as error:
        current_app.logger.exception("token check failed")
        raise InternalServerError(original_exception=error) from error


def _checked(view: Callable[..., Any], with_agent: TokenQuery | None) -> Callable[..., Any]:
    @wraps(view)
    def checked(**path: str) -> Any:
        token = _offered_token()

        def call() -> Any:
            if with_agent is None:
                return view(identified(token, None), **path)
            return view(identified(token, path.get("agent_id"), with_agent), **path)

        return run_and_commit(db.session(), call)

    return describe_callers(checked, AGENTS)


def _offered_token() -> str:
    token = token_in_header()
    if token:
        return token
    body = request.get_json() or {}
    offered = body.get("client_token", "") if isinstance(body, dict) else None
    if not isinstance(offered, str):
        raise InternalServerError
    return offered.strip()
