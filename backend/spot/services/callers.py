"""Finding the client behind a token, and the agent it speaks for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, bindparam, select

from backend.core.errors import RequestRefusedError
from backend.core.session import Session
from backend.core.strict_types import Operand
from backend.spot.models import Agent, AgentConfig, Client
from backend.spot.services.client_tokens import TokenQuery
from backend.spot.services.configuration import FLAG_COLUMNS, LIMIT_COLUMNS
from backend.spot.services.events import record_event

AGENT_COLUMNS = (
    Agent.id,
    Agent.hostname,
    Agent.instance_id,
    Agent.instance_type,
    Agent.region,
    Agent.az,
    Agent.current_mode,
    Agent.current_pool_id,
    Agent.status,
    Agent.enabled,
    Agent.auto_switch_enabled,
    Agent.auto_terminate_enabled,
    Agent.terminate_wait_seconds,
    Agent.replica_enabled,
    Agent.replica_count,
)
# Built once: every request asks one of them.
CLIENT_COLUMNS = (Client.id.label("client_id"), Client.is_active.label("client_is_active"))
CLIENT = TokenQuery(select(*CLIENT_COLUMNS))
_AGENT_OF_CLIENT = and_(Agent.client_id == Client.id, Agent.id == bindparam("agent_id", type_=Operand()))
CLIENT_WITH_AGENT = TokenQuery(
    select(*CLIENT_COLUMNS, *AGENT_COLUMNS).select_from(Client).outerjoin(Agent, _AGENT_OF_CLIENT)
)
CLIENT_WITH_INSTANCE = TokenQuery(
    select(*CLIENT_COLUMNS, Agent.id, Agent.instance_id, Agent.status)
    .select_from(Client)
    .outerjoin(Agent, _AGENT_OF_CLIENT)
)
CLIENT_WITH_LIMITS = TokenQuery(
    select(*CLIENT_COLUMNS, Agent.id, *FLAG_COLUMNS, Agent.manual_replica_enabled, *LIMIT_COLUMNS)
    .select_from(Client)
    .outerjoin(Agent, _AGENT_OF_CLIENT)
    .outerjoin(AgentConfig, AgentConfig.agent_id == Agent.id)
)


class UnknownTokenError(RequestRefusedError):
    """A token that no client has."""

    def __init__(self, error: str = "Invalid client token", **details: Any) -> None:
        super().__init__(401, error, **details)


@dataclass(frozen=True)
class Caller:
    """The client that calls, the row of the agent named in the path (None when it is not the client's), and its name
    there, which may differ from its id in case."""

    client_id: str
    agent: Any
    agent_id: str | None

    def own_agent(self) -> Any:
        """The agent named in the path; Refused with 404 when it is not the client's."""
        if self.agent is None:
            raise RequestRefusedError(404, "Agent not found")
        return self.agent


def identify(session: Session, token: str, agent_id: str | None, with_agent: TokenQuery = CLIENT_WITH_AGENT) -> Caller:
    """The caller with `token`; `with_agent` says what is asked about its agent.

    Refused with 401 for a missing token, with UnknownTokenError (401) for an unknown one, with 403 for a client that is
    not active, which is recorded as an event.
    """
    if not token:
        raise RequestRefusedError(401, "Missing client token")
    found = _find(session, token, agent_id, with_agent)
    if found is None:
        raise UnknownTokenError
    if not found.client_is_active:
        session.rollback()
        message = f"Inactive client {found.client_id} attempted access"
        record_event(session, "auth_failed", "warning", message, client_id=found.client_id)
        raise RequestRefusedError(403, "Client account is not active")
    has_agent = agent_id is not None and found.id is not None
    return Caller(found.client_id, found if has_agent else None, agent_id)


def record_unknown_token(session: Session, path: str) -> None:
    """Record that somebody tried a token that no client has, at a path."""
    session.rollback()
    record_event(session, "auth_failed", "warning", f"Invalid client token attempt for endpoint {path}")


def ask_ownership(session: Session, token: str, agent_id: str) -> Callable[[], bool]:
    """Ask whether `token` is that of the agent's client; what is returned answers it, in the same transaction."""
    client = CLIENT_WITH_INSTANCE.ahead(session, token, agent_id=agent_id)

    def is_owner() -> bool:
        found = client()
        return found is not None and found.id is not None

    return is_owner


def _find(session: Session, token: str, agent_id: str | None, with_agent: TokenQuery) -> Any:
    if agent_id is None:
        return CLIENT.first(session, token)
    return with_agent.first(session, token, agent_id=agent_id)
