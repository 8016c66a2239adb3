"""Which instance is an agent's primary, and how another one takes its place.

The primary is the instance that `agents.instance_id` names. A takeover leaves its row in `instances` active and with
the agent's id, and leaves no other active row with it. A former primary that stands by is active without the agent's
id: its machine runs, but not for the agent. One that goes is inactive and keeps the agent's id, as history.

All of a takeover happens in one transaction that holds the agent's row, so nobody ever sees two primaries, or none.
What agents say of themselves moves `agents.instance_id` too (registration, switch reports), but heartbeats of a machine
that was relieved do not (`was_relieved`).
"""

from typing import Any

from sqlalchemy import bindparam, or_, select, update

from backend.core.errors import RequestRefusedError
from backend.core.prepared import Prepared
from backend.core.rows import NOW, insert_or_update_row, insert_row, update_matching
from backend.core.session import Session
from backend.core.strict_types import Operand
from backend.spot.models import Agent, Instance, InstanceSwitch, OndemandPrice

DEFAULT_ONDEMAND_PRICE = 0.0416
LOCKED_AGENT = Prepared(
    select(
        Agent.id,
        Agent.client_id,
        Agent.instance_id,
        Agent.current_pool_id,
        Agent.status,
        Agent.enabled,
        Agent.auto_switch_enabled,
        Agent.manual_replica_enabled,
        Agent.replica_count,
        Agent.current_replica_id,
    )
    .where(Agent.id == bindparam("agent_id", type_=Operand()))
    .with_for_update()
)
INSTANCE = Prepared(
    select(
        Instance.id,
        Instance.client_id,
        Instance.instance_type,
        Instance.region,
        Instance.az,
        Instance.current_pool_id,
        Instance.installed_at,
    ).where(Instance.id == bindparam("instance_id", type_=Operand()))
)
_TOLD = bindparam("instance_id", type_=Operand())
LAST_TAKEOVER = Prepared(
    select(InstanceSwitch.old_instance_id)
    .where(
        InstanceSwitch.agent_id == bindparam("agent_id", type_=Operand()),
        or_(InstanceSwitch.old_instance_id == _TOLD, InstanceSwitch.new_instance_id == _TOLD),
    )
    .order_by(InstanceSwitch.switched_at.desc(), InstanceSwitch.id.desc())
    .limit(1)
)
OTHERS_RELEASED = Prepared(
    update(Instance)
    .where(
        Instance.agent_id == bindparam("of_agent", type_=Operand()),
        Instance.is_active == 1,
        Instance.id != bindparam("primary_id", type_=Operand()),
    )
    .values(agent_id=None)
)
PRICE_ON_DEMAND = Prepared(
    select(OndemandPrice.price).where(
        OndemandPrice.instance_type == bindparam("instance_type", type_=Operand()),
        OndemandPrice.region == bindparam("region", type_=Operand()),
    )
)


def lock_agent(session: Session, agent_id: str) -> Any:
    """The agent, its row locked until the transaction ends; None for an unknown one.

    This lock comes before that of any replica and that of any instance.
    """
    return session.execute(LOCKED_AGENT, {"agent_id": agent_id}).first()


def primary_of(session: Session, agent: Any) -> Any:
    """The instance `agent` (a row, or None) runs on; None when it has no row."""
    return None if agent is None else _instance(session, agent.instance_id)


def current_pool_id(agent: Any, primary: Any) -> str | None:
    """The pool the primary runs in: an instance that registered does not know it, but its agent does."""
    pool_id: str | None = primary.current_pool_id or agent.current_pool_id
    return pool_id


def is_primary(agent: Any, instance_id: str) -> bool:
    """Whether `agent` runs on this instance."""
    return agent.instance_id is not None and agent.instance_id.casefold() == instance_id.casefold()


def take_over(session: Session, agent: Any, replica: Any, *, reason: str, former_stays: bool) -> None:
    """Make the instance of `replica` the primary of `agent`; both rows are locked, and it is not the primary yet.

    The former primary goes on as an active instance without the agent, or is retired. Counters and the replica's own
    row are the caller's. Refused with 404, before anything is written, when the instance is another client's.
    """
    _claim(session, agent, replica)
    moved = {"instance_id": replica.instance_id, "current_replica_id": None, "last_failover_at": NOW}
    update_matching(session, Agent, {"id": agent.id}, **moved)
    insert_row(
        session,
        InstanceSwitch,
        agent_id=agent.id,
        old_instance_id=agent.instance_id,
        new_instance_id=replica.instance_id,
        switch_reason=reason,
        switched_at=NOW,
        success=True,
    )
    if not former_stays:
        update_matching(session, Instance, {"id": agent.instance_id}, is_active=False)
    session.write(OTHERS_RELEASED, {"of_agent": agent.id, "primary_id": replica.instance_id})


def was_relieved(session: Session, agent_id: str, instance_id: Any) -> bool:
    """Whether the agent's last takeover to or from this instance was one from it."""
    last = session.execute(LAST_TAKEOVER, {"agent_id": agent_id, "instance_id": instance_id}).scalar()
    return last is not None and last == instance_id


def _claim(session: Session, agent: Any, replica: Any) -> None:
    place = {"instance_type": replica.instance_type, "region": replica.region}
    instances, prices = session.execute_together(
        (INSTANCE, {"instance_id": replica.instance_id}), (PRICE_ON_DEMAND, place)
    )
    known, price = instances.first(), prices.scalar()
    if known is not None and known.client_id != agent.client_id:
        raise RequestRefusedError(404, "Replica instance_id not found")
    if price is None:
        price = DEFAULT_ONDEMAND_PRICE
    insert_or_update_row(
        session,
        Instance,
        ("agent_id", "current_mode", "current_pool_id", "spot_price", "is_active"),
        id=replica.instance_id,
        client_id=agent.client_id,
        agent_id=agent.id,
        instance_type=replica.instance_type,
        region=replica.region,
        az=replica.az,
        current_mode="spot",
        current_pool_id=replica.pool_id,
        spot_price=replica.hourly_cost,
        ondemand_price=price,
        baseline_ondemand_price=price,
        is_active=True,
        installed_at=NOW,
    )


def _instance(session: Session, instance_id: str | None) -> Any:
    return session.execute(INSTANCE, {"instance_id": instance_id}).first()
