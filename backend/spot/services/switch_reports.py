"""Switches as agents made them."""

from typing import Any
from uuid import uuid4

from sqlalchemy import bindparam, func, select, update

from backend.core.prepared import Prepared
from backend.core.rows import NOW, insert_or_update_row, insert_row, update_matching
from backend.core.session import Session
from backend.core.strict_types import Operand
from backend.spot.models import Agent, Client, Instance, Switch
from backend.spot.services.callers import Caller
from backend.spot.services.events import notify, record_event

HOURS_A_DAY = 24
INSTANCE_FIELDS = ("instance_id", "instance_type", "region", "az", "mode", "pool_id", "ami_id")
# Column -> the names it is sent under: the server's own, then the agents'.
TIMES = {
    "initiated_at": ("initiated_at", "switch_initiated_at"),
    "ami_created_at": ("ami_created_at",),
    "instance_launched_at": ("instance_launched_at", "new_instance_launched_at"),
    "instance_ready_at": ("instance_ready_at", "new_instance_ready_at"),
    "old_terminated_at": ("old_terminated_at", "old_instance_terminated_at"),
}
LOCK_AGENT = Prepared(
    select(Agent.auto_terminate_enabled).where(Agent.id == bindparam("agent_id", type_=Operand())).with_for_update()
)
LOCK_CLIENT = Prepared(select(Client.id).where(Client.id == bindparam("client_id", type_=Operand())).with_for_update())
ADD_SAVINGS = Prepared(
    update(Client)
    .where(Client.id == bindparam("client_id", type_=Operand()))
    .values(total_savings=func.round(Client.total_savings + bindparam("saved", type_=Operand()), 4))
)


def record(session: Session, caller: Caller, agent_id: str, body: dict[str, Any]) -> None:
    """Store a switch, move the agent to its new instance and count what is saved.

    The agent may be anybody's; the savings are the caller's.
    """
    old, new = body.get("old_instance", {}), body.get("new_instance", {})
    timing, prices = body.get("timing", {}), _prices(body)
    times = {column: _first(timing, names) for column, names in TIMES.items()}
    savings = _hourly(prices, "old_spot") - _hourly(prices, "new_spot")
    auto_terminate = _lock(session, agent_id, caller.client_id, savings)
    _store_switch(session, caller, agent_id, body, prices, times, savings)
    if times["old_terminated_at"] and auto_terminate:
        mine = {"id": old.get("instance_id"), "client_id": caller.client_id}
        update_matching(session, Instance, mine, is_active=False, terminated_at=times["old_terminated_at"])
    _store_new_instance(session, caller, agent_id, new, prices, times)
    update_matching(
        session,
        Agent,
        {"id": agent_id},
        instance_id=new.get("instance_id"),
        current_mode=new.get("mode"),
        current_pool_id=new.get("pool_id"),
        last_switch_at=NOW,
    )
    new_id = new.get("instance_id")
    notify(session, f"Instance switched: {new_id} - Saved ${savings:.4f}/hr", "info", caller.client_id)
    record_event(
        session,
        "switch_completed",
        "info",
        f"Switch from {old.get('instance_id')} to {new_id}",
        client_id=caller.client_id,
        agent_id=agent_id,
        instance_id=new_id,
        metadata={"savings_impact": float(savings)},
    )


def _lock(session: Session, agent_id: str, client_id: str, savings: float) -> bool:
    """Lock agent and client, in the order heartbeats do, before rows that refer to them; whether to retire instances.

    The client's row is locked by adding to its savings, where there are any. Unknown agents count as terminating their
    old instances.
    """
    auto_terminate = session.execute(LOCK_AGENT, {"agent_id": agent_id}).scalar()
    client = {"client_id": client_id}
    if savings > 0:
        session.write(ADD_SAVINGS, {**client, "saved": savings * HOURS_A_DAY})
    else:
        session.execute(LOCK_CLIENT, client)
    return auto_terminate != 0


def _prices(body: dict[str, Any]) -> dict[str, Any]:
    """The prices; under the agents' name for them, nulls mean that there is no such price."""
    if "pricing" in body or not isinstance(body.get("prices"), dict):
        return body.get("pricing", {})
    return {name: price for name, price in body["prices"].items() if price is not None}


def _hourly(prices: dict[str, Any], spot: str) -> Any:
    return prices.get(spot) or prices.get("on_demand", 0)


def _first(timing: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((timing[name] for name in names if timing.get(name) is not None), None)


def _store_switch(
    session: Session,
    caller: Caller,
    agent_id: str,
    body: dict[str, Any],
    prices: dict[str, Any],
    times: dict[str, Any],
    savings: float,
) -> None:
    sides = {
        f"{side}_{field}": body.get(f"{side}_instance", {}).get(field)
        for side in ("old", "new")
        for field in INSTANCE_FIELDS
    }
    insert_row(
        session,
        Switch,
        id=str(uuid4()),
        client_id=caller.client_id,
        agent_id=agent_id,
        command_id=body.get("command_id"),
        **sides,
        on_demand_price=prices.get("on_demand"),
        old_spot_price=prices.get("old_spot"),
        new_spot_price=prices.get("new_spot"),
        savings_impact=savings,
        event_trigger=body.get("trigger"),
        trigger_type=body.get("trigger"),
        timing_data=body.get("timing", {}),
        **times,
    )


def _store_new_instance(
    session: Session,
    caller: Caller,
    agent_id: str,
    new: dict[str, Any],
    prices: dict[str, Any],
    times: dict[str, Any],
) -> None:
    insert_or_update_row(
        session,
        Instance,
        ("current_mode", "current_pool_id", "spot_price", "is_active", "last_switch_at"),
        id=new.get("instance_id"),
        client_id=caller.client_id,
        agent_id=agent_id,
        instance_type=new.get("instance_type"),
        region=new.get("region"),
        az=new.get("az"),
        ami_id=new.get("ami_id"),
        current_mode=new.get("mode"),
        current_pool_id=new.get("pool_id"),
        spot_price=prices.get("new_spot", 0),
        ondemand_price=prices.get("on_demand"),
        is_active=True,
        installed_at=times["instance_launched_at"],
        last_switch_at=times["instance_launched_at"],
    )
