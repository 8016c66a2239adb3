"""What the pools of an instance, or of an agent, cost over time."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from sqlalchemy import and_, bindparam, func, select

from backend.core.errors import RequestRefusedError
from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.spot.models import Agent, Instance, SpotPool
from backend.spot.services.average_prices import (
    ONDEMAND,
    ROLLED_UP_TO,
    Period,
    averages_of_pools,
    ondemand_averages,
    rounded,
)
from backend.spot.services.callers import Caller
from backend.spot.services.pool_prices import name_of_pool

USUAL_ONDEMAND_PRICE = 0.0416
A_DAY = "%Y-%m-%d"
AN_HOUR = "%Y-%m-%d %H:00"
AN_HOUR_WITH_SECONDS = "%Y-%m-%d %H:00:00"


def _with_pools(agent: Any) -> Prepared:
    """An agent's place with the pools that are there, and how far prices are rolled up; a row at least."""
    place = agent.subquery()
    return Prepared(
        select(place.c.instance_type, place.c.region, SpotPool.id, ROLLED_UP_TO.label("rolled_up_to"))
        .select_from(place)
        .outerjoin(SpotPool, and_(SpotPool.instance_type == place.c.instance_type, SpotPool.region == place.c.region))
    )


AGENT = select(Agent.instance_type, Agent.region).where(Agent.client_id == bindparam("client_id"))
NAMED_AGENT = _with_pools(AGENT.where(Agent.id == bindparam("agent_id")))
ONLINE = and_(Agent.client_id == bindparam("client_id"), Agent.status == "online")
# Found by one step in an index, of how many agents ever. NULL where none has been heard of.
NEWEST_HEARTBEAT = select(func.max(Agent.last_heartbeat_at)).where(ONLINE).scalar_subquery()
NEWEST_ONLINE_AGENT = _with_pools(
    AGENT.where(Agent.status == "online", Agent.last_heartbeat_at.is_not_distinct_from(NEWEST_HEARTBEAT))
    .order_by(Agent.created_at, Agent.logical_agent_id)
    .limit(1)
)
INSTANCE_WITH_POOLS = Prepared(
    select(
        Instance.ondemand_price,
        SpotPool.id,
        SpotPool.pool_name,
        SpotPool.az,
        ROLLED_UP_TO.label("rolled_up_to"),
    )
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
    pools = session.execute(INSTANCE_WITH_POOLS, {"instance_id": instance_id}).all()
    if not pools:
        raise RequestRefusedError(404, "Instance not found")
    if pools[0].id is None:
        return []
    question = averages_of_pools(session, [pool.id for pool in pools], pools[0].rolled_up_to, period)
    averages = question.averages(session.execute(question.query, question.wanted))
    ondemand = pools[0].ondemand_price or 0.0
    keys = {pool.id: f"pool_{pool.id}" for pool in pools}
    written = AN_HOUR if period.hourly else A_DAY
    data = [
        {
            "time": start.strftime(written),
            "onDemand": ondemand,
            **{key: prices.get(pool_id) for pool_id, key in keys.items()},
        }
        for start, prices in averages.items()
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
    pools = _pools_of_agent(session, caller, agent_id)
    if pools[0].id is None:
        return {"days": period.days, "data_points": 0, "history": []}
    where = {"instance_type": pools[0].instance_type, "region": pools[0].region}
    question = averages_of_pools(session, [pool.id for pool in pools], pools[0].rolled_up_to, period)
    on_demand, spot = session.execute_together(
        (ONDEMAND[period.seconds], {**where, "since": period.starts()}),
        (question.query, question.wanted),
    )
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
        for start, prices in question.averages(spot).items()
    ]
    found = {"days": period.days, "data_points": len(history), "history": history}
    return {**found, "agent_id": agent_id, **where}


def _pools_of_agent(session: Session, caller: Caller, agent_id: str | None) -> Sequence[Any]:
    query = NAMED_AGENT if agent_id else NEWEST_ONLINE_AGENT
    wanted = {"client_id": caller.client_id, **({"agent_id": agent_id} if agent_id else {})}
    found: Sequence[Any] = session.execute(query, wanted).all()
    if not found:
        raise RequestRefusedError(404, "Agent not found" if agent_id else "No active agents found")
    return found
