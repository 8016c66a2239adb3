"""What the pools of an instance, or of an agent, cost over time."""

from statistics import fmean
from typing import Any

from sqlalchemy import and_, bindparam, select

from backend.core.errors import RequestRefusedError
from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.spot.models import Agent, Instance, SpotPool
from backend.spot.services.average_prices import (
    ONDEMAND,
    SPOT,
    SPOT_OF_INSTANCE,
    Period,
    ondemand_averages,
    rounded,
    spot_averages,
)
from backend.spot.services.callers import Caller
from backend.spot.services.pool_prices import name_of_pool

USUAL_ONDEMAND_PRICE = 0.0416
A_DAY = "%Y-%m-%d"
AN_HOUR = "%Y-%m-%d %H:00"
AN_HOUR_WITH_SECONDS = "%Y-%m-%d %H:00:00"
AGENT = select(Agent.instance_type, Agent.region).where(Agent.client_id == bindparam("client_id"))
NAMED_AGENT = Prepared(AGENT.where(Agent.id == bindparam("agent_id")))
NEWEST_ONLINE_AGENT = Prepared(
    AGENT.where(Agent.status == "online")
    .order_by(Agent.last_heartbeat_at.desc(), Agent.created_at, Agent.logical_agent_id)
    .limit(1)
)
ANY_POOL = Prepared(
    select(SpotPool.id)
    .where(SpotPool.instance_type == bindparam("instance_type"), SpotPool.region == bindparam("region"))
    .limit(1)
)
INSTANCE_WITH_POOLS = Prepared(
    select(Instance.ondemand_price, SpotPool.id, SpotPool.pool_name, SpotPool.az)
    .select_from(Instance)
    .outerjoin(SpotPool, and_(SpotPool.instance_type == Instance.instance_type, SpotPool.region == Instance.region))
    .where(Instance.id == bindparam("instance_id"))
    .order_by(SpotPool.az, SpotPool.id)
)


def of_instance(session: Session, instance_id: str, period: Period) -> dict[str, Any] | list[Any]:
    """Average prices of all pools an instance could run in, oldest first; `[]` when there is no such pool.

    `{"onDemandPrice", "pools": [{"id", "name", "az", "key"}], "data": [{"time", "onDemand", <key of a pool>: price}]}`,
    prices in dollars an hour, None where a pool has none. Refused with 404 when the instance is unknown.
    """
    wanted = {"instance_id": instance_id}
    found, averages = session.execute_together(
        (INSTANCE_WITH_POOLS, wanted), (SPOT_OF_INSTANCE[period.seconds], {**wanted, "since": period.starts()})
    )
    pools = found.all()
    if not pools:
        raise RequestRefusedError(404, "Instance not found")
    if pools[0].id is None:
        return []
    ondemand = pools[0].ondemand_price or 0.0
    keys = {pool.id: f"pool_{pool.id}" for pool in pools}
    written = AN_HOUR if period.hourly else A_DAY
    data = [
        {
            "time": start.strftime(written),
            "onDemand": ondemand,
            **{key: prices.get(pool_id) for pool_id, key in keys.items()},
        }
        for start, prices in spot_averages(averages, period).items()
    ]
    named = [
        {"id": pool.id, "name": name_of_pool(pool.id, pool.pool_name), "az": pool.az, "key": keys[pool.id]}
        for pool in pools
    ]
    return {"onDemandPrice": ondemand, "pools": named, "data": data}


def of_agent(session: Session, caller: Caller, agent_id: str | None, period: Period) -> dict[str, Any]:
    """Average prices where an agent of the caller runs, oldest first.

    By default the online agent heard of last is meant, of several the one registered first. Returns
    `{"days", "data_points", "history": [{"timestamp", "ondemand_price", "spot_pools": [{"pool_id", "az", "price"}]}],
    "agent_id", "instance_type", "region"}`, prices in dollars an hour; without any pool the last three are left out.
    Refused with 404 when there is no such agent.
    """
    agent = _agent(session, caller, agent_id)
    where = {"instance_type": agent.instance_type, "region": agent.region}
    lately = {**where, "since": period.starts()}
    any_pool, on_demand, spot = session.execute_together(
        (ANY_POOL, where), (ONDEMAND[period.seconds], lately), (SPOT[period.seconds], lately)
    )
    if any_pool.first() is None:
        return {"days": period.days, "data_points": 0, "history": []}
    ondemand = ondemand_averages(on_demand, period)
    usual = rounded(fmean(ondemand.values())) if ondemand else USUAL_ONDEMAND_PRICE
    written = AN_HOUR_WITH_SECONDS if period.hourly else A_DAY
    history = [
        {
            "timestamp": start.strftime(written),
            "ondemand_price": ondemand.get(start, usual),
            "spot_pools": [
                {"pool_id": pool_id, "az": pool_id.rpartition(".")[2], "price": price}
                for pool_id, price in prices.items()
            ],
        }
        for start, prices in spot_averages(spot, period).items()
    ]
    found = {"days": period.days, "data_points": len(history), "history": history}
    return {**found, "agent_id": agent_id, **where}


def _agent(session: Session, caller: Caller, agent_id: str | None) -> Any:
    query = NAMED_AGENT if agent_id else NEWEST_ONLINE_AGENT
    wanted = {"client_id": caller.client_id, **({"agent_id": agent_id} if agent_id else {})}
    agent = session.execute(query, wanted).first()
    if agent is None:
        raise RequestRefusedError(404, "Agent not found" if agent_id else "No active agents found")
    return agent
