"""Clients come and go, and get their tokens."""

from typing import Any
from uuid import uuid4

from sqlalchemy import bindparam, delete, select

from backend.core.collation import Alike
from backend.core.errors import RequestRefusedError
from backend.core.prepared import Prepared
from backend.core.rows import insert_row, update_matching
from backend.core.session import Session
from backend.core.strict_types import Operand
from backend.spot.models import Client
from backend.spot.services.client_tokens import columns_for, is_forgotten, new_token
from backend.spot.services.events import notify, record_event

_NAME_AND_TOKEN = select(Client.id, Client.name, Client.client_token).where(
    Client.id == bindparam("client_id", type_=Operand())
)
NAME_AND_TOKEN = Prepared(_NAME_AND_TOKEN)
LOCKED = Prepared(_NAME_AND_TOKEN.with_for_update())
OF_THAT_NAME = Prepared(
    select(Client.id).where(Alike(Client.name) == Alike(bindparam("name", type_=Operand()))).limit(1)
)
REMOVED = Prepared(delete(Client).where(Client.id == bindparam("client_id", type_=Operand())))


def create(session: Session, name: str, email: Any) -> dict[str, Any]:
    """Make a client with a token of its own. Refused with 400 without a name, with 409 when a client has it.

    The database refuses an email that another client has, and one that is no text.
    """
    name = name.strip()
    if not name:
        raise RequestRefusedError(400, "Client name is required")
    if session.execute(OF_THAT_NAME, {"name": name}).first() is not None:
        raise RequestRefusedError(409, f'Client "{name}" already exists')
    client_id, token = str(uuid4()), new_token()
    insert_row(
        session,
        Client,
        id=client_id,
        name=name,
        email=email,
        is_active=True,
        status="active",
        total_savings=0,
        **columns_for(token),
    )
    notify(session, f"New client created: {name}", "info", client_id)
    record_event(
        session,
        "client_created",
        "info",
        f"Client {name} created",
        client_id=client_id,
        metadata={"client_name": name},
    )
    return {"id": client_id, "name": name, "status": "active", "token": token}


def default_email(name: str) -> str:
    """The address of a client that named none."""
    return f"{name.strip().lower().replace(' ', '_')}@example.com"


def remove(session: Session, client_id: str) -> str:
    """Delete a client with all that belongs to it, and return its name; Refused with 404."""
    client = _client(session, client_id, LOCKED)
    session.write(REMOVED, {"client_id": client.id})
    record_event(
        session,
        "client_deleted",
        "warning",
        f"Client {client.name} ({client.id}) deleted permanently",
        metadata={"deleted_client_id": client.id, "deleted_client_name": client.name},
    )
    return client.name


def renew_token(session: Session, client_id: str) -> str:
    """Give a client a new token and return it; the old one is worth nothing from now on. Refused with 404."""
    client = _client(session, client_id)
    token = new_token()
    update_matching(session, Client, {"id": client.id}, **columns_for(token))
    message = f"API token regenerated for client: {client.name}. All agents need new token."
    notify(session, message, "warning", client.id)
    record_event(session, "token_regenerated", "warning", f"Token regenerated for {client.name}", client_id=client.id)
    return token


def shown_token(session: Session, client_id: str) -> dict[str, Any]:
    """A client's name and token. Refused with 404, and with 410 when only the hash of the token was kept."""
    client = _client(session, client_id)
    if is_forgotten(client.client_token):
        raise RequestRefusedError(410, "This token is kept as a hash only; regenerate it to get a new one")
    return {"client_name": client.name, "token": client.client_token}


def _client(session: Session, client_id: str, query: Prepared = NAME_AND_TOKEN) -> Any:
    client = session.execute(query, {"client_id": client_id}).first()
    if client is None:
        raise RequestRefusedError(404, "Client not found")
    return client
