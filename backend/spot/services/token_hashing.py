"""Bringing the hashes of all tokens up to date, and forgetting the tokens themselves."""

from typing import Any

from sqlalchemy import bindparam, select, update

from backend.core.admin_access import SYSTEM
from backend.core.session import Session
from backend.spot.models import Client
from backend.spot.services.audit import audit
from backend.spot.services.client_tokens import forgotten_token, is_forgotten, token_hash

KNOWN = select(Client.id, Client.client_token, Client.client_token_hash)
# Only while the token is still the one that was read: the other side may renew it at any time. `updated_at` is named
# because MySQL would touch it.
STORE = (
    update(Client)
    .where(Client.id == bindparam("client_id"), Client.client_token == bindparam("read"))
    .values(
        client_token=bindparam("token"),
        client_token_hash=bindparam("token_hash"),
        updated_at=Client.updated_at,
    )
)


def hash_tokens(session: Session) -> int:
    """Store the hash of every token that is kept in clear; returns how many were missing or stale."""
    stale = [
        {"client_id": client.id, "read": client.client_token, "token": client.client_token, "token_hash": hashed}
        for client, hashed in _in_clear(session)
        if client.client_token_hash != hashed
    ]
    return _store(session, "client_tokens_hashed", stale)


def forget_tokens(session: Session) -> int:
    """Keep nothing but the hash of every token; returns how many were in clear. This cannot be undone."""
    in_clear = [
        {"client_id": client.id, "read": client.client_token, "token": forgotten_token(), "token_hash": hashed}
        for client, hashed in _in_clear(session)
    ]
    return _store(session, "client_tokens_forgotten", in_clear)


def _in_clear(session: Session) -> list[tuple[Any, str]]:
    return [
        (client, token_hash(client.client_token))
        for client in session.execute(KNOWN)
        if not is_forgotten(client.client_token)
    ]


def _store(session: Session, action: str, clients: list[dict[str, Any]]) -> int:
    if clients:
        session.connection().execute(STORE, clients)
        audit(session, SYSTEM, action, "client", None, {"clients": len(clients)})
    return len(clients)
