"""The whole system in lists and numbers: agents and instances of everybody."""

from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, case, func, select, true
from sqlalchemy.orm import InstrumentedAttribute

from backend.core.clock import utc_now
from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.core.strict_types import Operand
from backend.spot.models import Agent, Client, ClientsDailySnapshot, Instance, SpotPool, Switch
from backend.spot.services import engine_status

MOST_ROWS = 500
INSTANCE_STATES = {"active": 1, "terminated": 0}


def _counted_by(column: InstrumentedAttribute[Any]) -> Any:
    """How many rows of its table have each value of an indexed column: that reads each entry of the index just once."""
    return select(column.label("value"), func.count().label("rows")).group_by(column).subquery()


def _sum(counted: Any, value: str | None = None) -> ColumnElement[int]:
    rows = counted.c.rows if value is None else case((counted.c.value == value, counted.c.rows), else_=0)
    return func.coalesce(func.sum(rows), 0)


_AGENTS = _counted_by(Agent.status)
_SWITCHES = _counted_by(Switch.event_trigger)
_OF_AGENTS = select(_sum(_AGENTS).label("every"), _sum(_AGENTS, "online").label("online")).subquery()
_OF_SWITCHES = select(
    _sum(_SWITCHES).label("every"),
    _sum(_SWITCHES, "manual").label("manual"),
    _sum(_SWITCHES, "model").label("model"),
).subquery()
TOTALS = Prepared(
    select(
        select(func.count()).select_from(Client).scalar_subquery().label("totalAccounts"),
        # Joined with their agents it would count each client as often as it has agents.
        select(func.coalesce(func.sum(Client.total_savings), 0)).scalar_subquery().label("totalSavings"),
        _OF_AGENTS.c.every.label("agentsTotal"),
        _OF_AGENTS.c.online.label("agentsOnline"),
        select(func.count()).where(SpotPool.is_active == 1).scalar_subquery().label("poolsCovered"),
        _OF_SWITCHES.c.every.label("totalSwitches"),
        _OF_SWITCHES.c.manual.label("manualSwitches"),
        _OF_SWITCHES.c.model.label("modelSwitches"),
    ).join_from(_OF_AGENTS, _OF_SWITCHES, true())
)
SUMS = ("agentsTotal", "agentsOnline", "totalSwitches", "manualSwitches", "modelSwitches")
_NEWEST_AGENTS = select(Agent.id).order_by(Agent.last_heartbeat_at.desc()).limit(MOST_ROWS)


def _name_of(client_id: InstrumentedAttribute[str]) -> ColumnElement[str]:
    """The name of a client: the databases remember those that they looked up for the rows before."""
    return select(Client.name).where(Client.id == client_id).scalar_subquery().label("clientName")


def _agents_among(ids: Select[str]) -> Select[*tuple[Any, ...]]:
    """The agents whose ids these are: an index alone finds ids, and no row is read that does not count."""
    newest = ids.subquery()
    return (
        select(
            Agent.id,
            Agent.logical_agent_id.label("logicalAgentId"),
            Agent.client_id.label("clientId"),
            _name_of(Agent.client_id),
            Agent.hostname,
            Agent.status,
            Agent.enabled,
            Agent.auto_switch_enabled.label("autoSwitchEnabled"),
            Agent.agent_version.label("version"),
            Agent.instance_id.label("instanceId"),
            Instance.instance_type.label("instanceType"),
            Instance.region,
            Instance.az,
            Instance.current_mode.label("currentMode"),
            Agent.current_pool_id.label("currentPoolId"),
            Agent.last_heartbeat_at.label("lastHeartbeatAt"),
            Agent.created_at.label("createdAt"),
        )
        .select_from(newest)
        .join(Agent, Agent.id == newest.c.id)
        .outerjoin(Instance, Instance.id == Agent.instance_id)
        .order_by(Agent.last_heartbeat_at.desc())
    )


AGENTS = Prepared(_agents_among(_NEWEST_AGENTS))
AGENTS_OF_STATUS = Prepared(_agents_among(_NEWEST_AGENTS.where(Agent.status == bindparam("status", type_=Operand()))))
GROWTH = Prepared(
    select(
        ClientsDailySnapshot.snapshot_date.label("date"),
        ClientsDailySnapshot.total_clients.label("total"),
        ClientsDailySnapshot.new_clients_today.label("new"),
        ClientsDailySnapshot.active_clients.label("active"),
    )
    .where(ClientsDailySnapshot.snapshot_date >= bindparam("first"))
    .order_by(ClientsDailySnapshot.snapshot_date)
)


def stats(session: Session) -> dict[str, Any]:
    """The system in numbers. Savings are dollars."""
    loaded = engine_status.current().loaded
    totals = session.dicts(TOTALS)[0]
    return {
        **totals,
        # MySQL's sums are decimals, whatever they are of.
        **{name: int(totals[name]) for name in SUMS},
        "backendHealth": "Healthy" if loaded else "Decision Engine Not Loaded",
        "decisionEngineLoaded": loaded,
        "mlModelsLoaded": loaded,
    }


def growth(session: Session, days: int) -> list[dict[str, Any]]:
    """How many clients there were on each of the last `days` days and today, oldest first."""
    first = utc_now().date() - timedelta(days=days)
    return session.dicts(GROWTH, {"first": first})


def agents(session: Session, status: str | None) -> list[dict[str, Any]]:
    """The 500 agents heard of last, with a status if one is given. Where they run is what their instance says."""
    found = session.dicts(AGENTS_OF_STATUS, {"status": status}) if status else session.dicts(AGENTS)
    for agent in found:
        agent["enabled"] = bool(agent["enabled"])
        agent["autoSwitchEnabled"] = bool(agent["autoSwitchEnabled"])
    return found


def instances(session: Session, status: str | None, mode: str | None, region: str | None) -> list[dict[str, Any]]:
    """The 500 newest instances: active or terminated ones, in a mode, in a region. A price of 0 is none."""
    query = _newest_instances(INSTANCE_STATES.get(status or ""), bool(mode), bool(region))
    found = session.dicts(query, {"mode": mode, "region": region})
    for instance in found:
        instance["isActive"] = bool(instance["isActive"])
        instance["spotPrice"] = instance["spotPrice"] or None
        instance["ondemandPrice"] = instance["ondemandPrice"] or None
    return found


@cache
def _newest_instances(state: int | None, of_mode: bool, of_region: bool) -> Prepared:
    """The query for each combination of filters. An instance that several agents call theirs is there for each."""
    ids = select(Instance.id).order_by(Instance.created_at.desc()).limit(MOST_ROWS)
    if state is not None:
        ids = ids.where(Instance.is_active == state)
    if of_mode:
        ids = ids.where(Instance.current_mode == bindparam("mode", type_=Operand()))
    if of_region:
        ids = ids.where(Instance.region == bindparam("region", type_=Operand()))
    newest = ids.subquery()
    return Prepared(
        select(
            Instance.id,
            Instance.id.label("instanceId"),
            Instance.client_id.label("clientId"),
            _name_of(Instance.client_id),
            Instance.agent_id.label("agentId"),
            Agent.logical_agent_id.label("logicalAgentId"),
            Agent.status.label("agentStatus"),
            Instance.instance_type.label("instanceType"),
            Instance.region,
            Instance.az,
            Instance.current_mode.label("currentMode"),
            Instance.current_pool_id.label("currentPoolId"),
            Instance.spot_price.label("spotPrice"),
            Instance.ondemand_price.label("ondemandPrice"),
            Instance.is_active.label("isActive"),
            Instance.installed_at.label("installedAt"),
            Instance.created_at.label("createdAt"),
        )
        .select_from(newest)
        .join(Instance, Instance.id == newest.c.id)
        .outerjoin(Agent, Agent.instance_id == Instance.id)
        .order_by(Instance.created_at.desc())
        .limit(MOST_ROWS)
    )
