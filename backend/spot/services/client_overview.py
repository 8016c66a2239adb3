"""A client in numbers."""

from typing import Any

from sqlalchemy import bindparam, case, func, select

from backend.core.errors import RequestRefusedError
from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.spot.models import Agent, Client, Instance

AGENTS = select(func.count()).select_from(Agent).where(Agent.client_id == Client.id)
INSTANCES = select(func.count()).select_from(Instance).where(Instance.client_id == Client.id)
# The numbers are looked up for each client by itself: an index has them together.
NUMBERS = select(
    Client.id,
    Client.name,
    case((Client.is_active == 1, "active"), else_="inactive").label("status"),
    AGENTS.scalar_subquery().label("agentsTotal"),
    AGENTS.where(Agent.status == "online").scalar_subquery().label("agentsOnline"),
    INSTANCES.where(Instance.is_active == 1).scalar_subquery().label("instances"),
    func.coalesce(Client.total_savings, 0.0).label("totalSavings"),
    Client.last_sync_at.label("lastSync"),
)
OVERVIEW = Prepared(NUMBERS.where(Client.id == bindparam("client_id")))
NEWEST_FIRST = Prepared(NUMBERS.order_by(Client.created_at.desc()))


def overview(session: Session, client_id: str) -> dict[str, Any]:
    """The client with the numbers of its agents and active instances; Refused with 404."""
    client = session.execute(OVERVIEW, {"client_id": client_id}).first()
    if client is None:
        raise RequestRefusedError(404, "Client not found")
    return client._asdict()


def overviews(session: Session) -> list[dict[str, Any]]:
    """All clients, the newest first."""
    return session.dicts(NEWEST_FIRST)
