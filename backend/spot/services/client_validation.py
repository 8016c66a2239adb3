"""Is this a token of a client that may work with the system?"""

from typing import Any

from sqlalchemy import select

from backend.core.errors import RequestRefusedError
from backend.core.session import Session
from backend.spot.models import Client
from backend.spot.services.callers import UnknownTokenError
from backend.spot.services.client_tokens import TokenQuery

SCHEME = "Bearer "
OWNER = TokenQuery(select(Client.id, Client.name, Client.email, Client.is_active, Client.status))


def validate(session: Session, authorization: str) -> dict[str, Any]:
    """The client whose token stands in the header `authorization`.

    Refused with 401 for a header without a token, with UnknownTokenError (401) for an unknown one, and with 403 for a
    client that is inactive or suspended.
    """
    if not authorization.startswith(SCHEME):
        raise RequestRefusedError(401, "Missing or invalid Authorization header", valid=False)
    token = authorization.removeprefix(SCHEME).strip()
    if not token:
        raise RequestRefusedError(401, "Token is empty", valid=False)
    client = OWNER.first(session, token)
    if client is None:
        raise UnknownTokenError("Invalid token", valid=False)
    if not client.is_active or client.status != "active":
        raise RequestRefusedError(403, "Client account is not active", valid=False)
    return {"valid": True, "client_id": client.id, "name": client.name, "email": client.email}
