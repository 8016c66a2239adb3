"""Taking in an agent: its identity, its instance, and what that costs."""

from typing import Any
from uuid import uuid4

from sqlalchemy import bindparam, select

from backend.core.collation import Alike
from backend.core.database_errors import DEADLOCK, StatementRefusedError
from backend.core.errors import RequestRefusedError, describe
from backend.core.prepared import Prepared
from backend.core.rows import NOW, insert_row, insert_row_unless_present, update_matching
from backend.core.session import Session
from backend.core.strict_types import Operand
from backend.spot.models import (
    Agent,
    AgentConfig,
    Instance,
    OndemandPrice,
    OndemandPriceSnapshot,
    SpotPriceSnapshot,
)
from backend.spot.services.callers import Caller
from backend.spot.services.configuration import FLAG_COLUMNS, LIMIT_COLUMNS, limits, limits_of
from backend.spot.services.events import notify, record_event

DEFAULT_ONDEMAND_PRICE = 0.0416
SPOT_SHARE = 0.3
DUPLICATE = 1062
INSTANCE = select(Instance.id).where(Instance.id == bindparam("instance_id", type_=Operand()))
KNOWN_AGENT = Prepared(
    select(Agent.id, *FLAG_COLUMNS, *LIMIT_COLUMNS, INSTANCE.exists().label("knows_instance"))
    .select_from(Agent)
    .outerjoin(AgentConfig, AgentConfig.agent_id == Agent.id)
    .where(
        Alike(Agent.logical_agent_id) == Alike(bindparam("logical_agent_id", type_=Operand())),
        Agent.client_id == bindparam("client_id", type_=Operand()),
    )
)


def register(session: Session, caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
    """Register an agent, or refresh the one the client has under this logical id.

    `body` is a valid Registration. When anything of it cannot be stored (Refused with 500), nothing is but an event.
    """
    try:
        agent_id, known = _store_agent(session, caller.client_id, body)
        if known is None or not known.knows_instance:
            _store_instance(session, caller.client_id, agent_id, body)
        session.flush()
    except Exception as error:
        if getattr(error, "errno", None) == DEADLOCK:
            raise
        session.rollback()
        record_event(session, "agent_registration_failed", "error", describe(error), client_id=caller.client_id)
        raise RequestRefusedError(500, describe(error)) from error
    record_event(
        session,
        "agent_registered",
        "info",
        f"Agent {body['logical_agent_id']} registered successfully",
        client_id=caller.client_id,
        agent_id=agent_id,
        instance_id=body["instance_id"],
    )
    config = limits_of(known) if known is not None else limits(session, agent_id)
    return {"agent_id": agent_id, "client_id": caller.client_id, "config": config}


def record_invalid(session: Session, caller: Caller, messages: dict[str, Any]) -> None:
    """Record that a registration was refused for what its body holds."""
    text = f"Agent registration validation failed: {messages}"
    record_event(session, "validation_error", "warning", text, client_id=caller.client_id)


def _store_agent(session: Session, client_id: str, body: dict[str, Any]) -> tuple[str, Any]:
    """The id of the agent, and what was known of it: None when it is new."""
    known = _find_agent(session, client_id, body)
    if known is None:
        try:
            with session.undone_alone():
                return _create_agent(session, client_id, body), None
        except StatementRefusedError as refusal:
            # Somebody registered the same agent in the meantime: then this is a refresh.
            known = _find_agent(session, client_id, body)
            if refusal.errno != DUPLICATE or known is None:
                raise
    update_matching(session, Agent, {"id": known.id}, updated_at=NOW, **_agent_values(body))
    return known.id, known


def _find_agent(session: Session, client_id: str, body: dict[str, Any]) -> Any:
    names = {"logical_agent_id": body["logical_agent_id"], "instance_id": body["instance_id"]}
    return session.execute(KNOWN_AGENT, {"client_id": client_id, **names}).first()


def _create_agent(session: Session, client_id: str, body: dict[str, Any]) -> str:
    agent_id = str(uuid4())
    insert_row(
        session,
        Agent,
        id=agent_id,
        client_id=client_id,
        logical_agent_id=body["logical_agent_id"],
        **_agent_values(body),
    )
    insert_row(session, AgentConfig, agent_id=agent_id)
    notify(session, f"New agent registered: {body['logical_agent_id']}", "info", client_id)
    return agent_id


def _agent_values(body: dict[str, Any]) -> dict[str, Any]:
    sent = ("hostname", "instance_id", "instance_type", "region", "az", "ami_id")
    return {
        **{name: body.get(name) for name in sent},
        "current_mode": body["mode"],
        "current_pool_id": _pool_id(body) if body["mode"] == "spot" else None,
        "agent_version": body.get("agent_version"),
        "private_ip": body.get("private_ip"),
        "public_ip": body.get("public_ip"),
        "status": "online",
        "last_heartbeat_at": NOW,
    }


def _pool_id(body: dict[str, Any]) -> str:
    return f"{body['instance_type']}.{body['az']}"


def _store_instance(session: Session, client_id: str, agent_id: str, body: dict[str, Any]) -> None:
    """Store the instance unless it is known; a known one is left alone, whoever owns it."""
    if session.execute(INSTANCE, {"instance_id": body["instance_id"]}).first() is not None:
        return
    ondemand_price = _ondemand_price(session, body)
    insert_row_unless_present(
        session,
        Instance,
        id=body["instance_id"],
        client_id=client_id,
        agent_id=agent_id,
        instance_type=body["instance_type"],
        region=body["region"],
        az=body["az"],
        ami_id=body.get("ami_id"),
        current_mode=body["mode"],
        spot_price=_spot_price(session, body, ondemand_price) if body["mode"] == "spot" else 0,
        ondemand_price=ondemand_price,
        baseline_ondemand_price=ondemand_price,
        is_active=True,
        installed_at=NOW,
    )


def _ondemand_price(session: Session, body: dict[str, Any]) -> float:
    where = {"region": body["region"], "instance_type": body["instance_type"]}
    current = session.execute(select(OndemandPrice.price).filter_by(**where)).scalar()
    if current is not None:
        return current
    newest = (
        select(OndemandPriceSnapshot.price)
        .filter_by(**where)
        .order_by(OndemandPriceSnapshot.captured_at.desc(), OndemandPriceSnapshot.id.desc())
        .limit(1)
    )
    return session.execute(newest).scalar() or DEFAULT_ONDEMAND_PRICE


def _spot_price(session: Session, body: dict[str, Any], ondemand_price: float) -> float:
    newest = (
        select(SpotPriceSnapshot.price)
        .where(SpotPriceSnapshot.pool_id == _pool_id(body))
        .order_by(SpotPriceSnapshot.captured_at.desc(), SpotPriceSnapshot.id.desc())
        .limit(1)
    )
    price = session.execute(newest).scalar()
    return ondemand_price * SPOT_SHARE if price is None else price
