"""What the description says about who may call a route, and how others are refused."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backend.core.openapi import Blueprint
from backend.spot.schemas.common import Error

View = Callable[..., Any]

SECURITY_SCHEMES = {
    "clientToken": {"type": "http", "scheme": "bearer", "description": "The token of the client whose agent calls."},
    "adminToken": {"type": "http", "scheme": "bearer", "description": "ADMIN_TOKEN, where ADMIN_ACCESS is token."},
    "adminProxy": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Admin-Proxy-Secret",
        "description": "What an authenticating proxy sends beside the user's name, where ADMIN_ACCESS is proxy.",
    },
}
# Never registered: it only lends its words.
_DESCRIBING = Blueprint("callers", __name__)
_TOO_MANY = {429: "Too many requests with a wrong token; Retry-After says when to come back"}


@dataclass(frozen=True)
class Callers:
    """Who may call: alternatives of OpenAPI's security, an empty one where a server may let everybody call. And what
    the refusals of others mean, by status."""

    security: list[dict[str, list[str]]]
    refusals: dict[int, str]


AGENTS = Callers(
    [{"clientToken": []}],
    {401: "The token is missing, or nobody's", 403: "The client is not active", **_TOO_MANY},
)
OPERATORS = Callers(
    [{"adminToken": []}, {"adminProxy": []}, {}],
    {
        401: "The caller did not say who it is, or with a wrong token",
        403: "ADMIN_ACCESS is not set, and others than this machine can reach the server",
        **_TOO_MANY,
    },
)
OPERATORS_AND_AGENTS = Callers([*AGENTS.security, *OPERATORS.security], OPERATORS.refusals)


def describe_callers(view: View, callers: Callers) -> View:
    """Let the description say who may call `view`."""
    described = Blueprint.doc(security=callers.security)(view)
    for status, meaning in callers.refusals.items():
        described = _DESCRIBING.alt_response(status, schema=Error(), description=meaning)(described)
    return described
