"""What the engine would do with an agent now: the answer of `switch-recommendation`."""

from datetime import timedelta
from typing import Any

from sqlalchemy import and_, bindparam, select

from backend.core.clock import utc_now
from backend.core.errors import RequestRefusedError
from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.core.strict_types import Operand
from backend.spot.models import CleanPriceSnapshot, Instance, SpotPool
from backend.spot.services.callers import Caller
from backend.spot.services.engines.host import EngineHost
from backend.spot.services.engines.interface import EngineFaultError
from backend.spot.services.engines.loading import LoadedEngine
from backend.spot.services.engines.recommendations import recommend_without_engine

FRESH = timedelta(minutes=5)
MOST_ALTERNATIVES = 5
STAYING = ("stay_spot", "stay_ondemand")
INSTANCE_WITH_POOL = Prepared(
    select(
        Instance.instance_type,
        Instance.region,
        Instance.spot_price,
        Instance.ondemand_price,
        SpotPool.pool_name,
        SpotPool.az.label("pool_az"),
    )
    .select_from(Instance)
    .outerjoin(SpotPool, SpotPool.id == Instance.current_pool_id)
    .where(Instance.id == bindparam("instance_id", type_=Operand()))
)
ALTERNATIVES = Prepared(
    select(SpotPool.id, SpotPool.pool_name.label("name"), SpotPool.az, CleanPriceSnapshot.spot_price)
    .select_from(Instance)
    .join(SpotPool, and_(SpotPool.instance_type == Instance.instance_type, SpotPool.region == Instance.region))
    .join(CleanPriceSnapshot, CleanPriceSnapshot.pool_id == SpotPool.id)
    .where(
        Instance.id == bindparam("instance_id", type_=Operand()),
        SpotPool.id != bindparam("pool_id", type_=Operand()),
        CleanPriceSnapshot.time_bucket >= bindparam("since"),
    )
    .order_by(CleanPriceSnapshot.spot_price, CleanPriceSnapshot.id.desc())
    .limit(MOST_ALTERNATIVES)
)


def recommend(session: Session, host: EngineHost, caller: Caller) -> dict[str, Any]:
    """Recommend what the caller's agent should do.

    Refused with 404 when the agent, or its instance, is unknown, and with 500 when the engine fails. While no engine
    is loaded, the agent is to stay.
    """
    agent = caller.own_agent()
    instance, alternatives = _look_up(session, agent)
    if instance is None:
        raise RequestRefusedError(404, "Agent not found")
    outcome = _ask(host.engine(session), agent, instance, alternatives)
    return {
        **outcome,
        "agent_id": caller.agent_id,
        "auto_switch_enabled": agent.auto_switch_enabled,
        "will_auto_execute": agent.auto_switch_enabled and outcome["decision_type"] not in STAYING,
        "current_pool": {"id": agent.current_pool_id, "name": instance.pool_name, "az": instance.pool_az},
        "alternative_pools": alternatives,
    }


def _ask(engine: LoadedEngine | None, agent: Any, instance: Any, alternatives: list[dict[str, Any]]) -> dict[str, Any]:
    mode, pool_id = agent.current_mode, agent.current_pool_id
    spot, ondemand = instance.spot_price or 0.0, instance.ondemand_price or 0.0
    if engine is None:
        return vars(recommend_without_engine(mode, pool_id, spot, ondemand))
    try:
        return engine.recommend(
            {
                "instance_id": agent.instance_id,
                "instance_type": instance.instance_type,
                "region": instance.region,
                "current_mode": mode,
                "current_pool_id": pool_id,
            },
            {"spot_price": spot, "ondemand_price": ondemand, "pool_id": pool_id},
            {"alternative_pools": alternatives},
        )
    except EngineFaultError as fault:
        raise RequestRefusedError(500, str(fault)) from fault


def _look_up(session: Session, agent: Any) -> tuple[Any, list[dict[str, Any]]]:
    """The agent's instance, and fresh prices of the other pools of its kind, cheapest first.

    There are none for an agent that is in no pool.
    """
    place = {"instance_id": agent.instance_id, "pool_id": agent.current_pool_id}
    instances, alternatives = session.execute_together(
        (INSTANCE_WITH_POOL, place), (ALTERNATIVES, {**place, "since": utc_now() - FRESH})
    )
    return instances.first(), [dict(row) for row in alternatives.mappings()]
