"""What the rules would do with an agent now: the answer of `switch-recommendation`."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.core.clock import utc_now
from backend.core.errors import RequestRefusedError
from backend.spot.models import CleanPriceSnapshot, Instance, SpotPool
from backend.spot.services.callers import Caller

HIGHEST_SPOT_SHARE = 0.8
GOOD_SAVINGS_PERCENT = 30
FRESH = timedelta(minutes=5)
MOST_ALTERNATIVES = 5
STAYING = ("stay_spot", "stay_ondemand")


@dataclass(frozen=True)
class Recommendation:
    """One outcome of the rules. Savings are dollars an hour, risk and confidence 0 to 1."""

    decision_type: str
    recommended_pool_id: str | None
    risk_score: float
    expected_savings: float
    confidence: float
    reason: str


def recommend(session: Session, caller: Caller) -> dict[str, Any]:
    """Recommend what the caller's agent should do; Refused with 404 when it, or its instance, is unknown."""
    agent = caller.own_agent()
    instance = session.execute(_instance_with_pool(agent.instance_id)).first()
    if instance is None:
        raise RequestRefusedError(404, "Agent not found")
    outcome = apply_rules(
        agent.current_mode, agent.current_pool_id, instance.spot_price or 0.0, instance.ondemand_price or 0.0
    )
    return {
        **vars(outcome),
        "agent_id": caller.agent_id,
        "auto_switch_enabled": agent.auto_switch_enabled,
        "will_auto_execute": agent.auto_switch_enabled and outcome.decision_type not in STAYING,
        "current_pool": {"id": agent.current_pool_id, "name": instance.pool_name, "az": instance.pool_az},
        "alternative_pools": _alternatives(session, agent.current_pool_id, instance),
    }


def apply_rules(mode: str | None, pool_id: str | None, spot: float, ondemand: float) -> Recommendation:
    """The first rule that fits, for prices in dollars an hour (0 = unknown)."""
    on_spot = mode == "spot"
    stay, pool = ("stay_spot", pool_id) if on_spot else ("stay_ondemand", None)
    if ondemand == 0:
        return Recommendation(stay, None, 0.0, 0.0, 0.5, "Insufficient pricing data")
    percent = (ondemand - spot) / ondemand * 100
    if spot / ondemand > HIGHEST_SPOT_SHARE:
        reason = f"Spot price too high ({percent:.1f}% savings only)"
        return Recommendation("switch_to_ondemand", None, 0.6, 0.0, 0.7, reason)
    if percent > GOOD_SAVINGS_PERCENT and not on_spot:
        reason = f"Good savings opportunity ({percent:.1f}% cheaper than on-demand)"
        return Recommendation("switch_to_spot", pool_id, 0.2, ondemand - spot, 0.8, reason)
    reason = f"Current mode is optimal ({percent:.1f}% savings)"
    return Recommendation(stay, pool, 0.3, max(0.0, ondemand - spot), 0.6, reason)


def _instance_with_pool(instance_id: str | None) -> Any:
    return (
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
        .where(Instance.id == instance_id)
    )


def _alternatives(session: Session, pool_id: str | None, instance: Any) -> list[dict[str, Any]]:
    """Fresh prices of the other pools of the same kind, cheapest first; none for an agent that is in no pool."""
    if pool_id is None:
        return []
    query = (
        select(SpotPool.id, SpotPool.pool_name.label("name"), SpotPool.az, CleanPriceSnapshot.spot_price)
        .join(CleanPriceSnapshot, CleanPriceSnapshot.pool_id == SpotPool.id)
        .where(
            SpotPool.instance_type == instance.instance_type,
            SpotPool.region == instance.region,
            SpotPool.id != pool_id,
            CleanPriceSnapshot.time_bucket >= utc_now() - FRESH,
        )
        .order_by(CleanPriceSnapshot.spot_price, CleanPriceSnapshot.id.desc())
        .limit(MOST_ALTERNATIVES)
    )
    return [dict(row) for row in session.execute(query).mappings()]
