"""Deciding for an agent: gather what is known, ask the engine, keep what it said."""

import time
from datetime import timedelta
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from backend.core.clock import utc_now
from backend.core.database import insert_row, insert_row_if_possible
from backend.spot.models import AgentDecision, DecisionEngineRun, RiskScore, Switch
from backend.spot.services.callers import Caller
from backend.spot.services.configuration import limits as read_limits
from backend.spot.services.decision_engine import ENGINE_TYPE, ENGINE_VERSION, Decision, Limits, Situation
from backend.spot.services.decision_engine import decide as apply_rules
from backend.spot.services.interruptions import pool_risks

WEEK = timedelta(days=7)


def decide(session: Session, caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
    """Decide what the caller's agent should do and keep the decision.

    An agent that is disabled, or not the caller's, stays where it is, and nothing is kept.
    """
    instance, pricing = body["instance"], body["pricing"]
    pricing = pricing if isinstance(pricing, dict) else {}
    instance_id = instance.get("instance_id")
    if caller.agent is None or not caller.agent.enabled:
        mode, pool_id = instance.get("current_mode"), instance.get("current_pool_id")
        return _answer(instance_id, Decision("stay", mode, pool_id, 0.0, 0.0, False, "Agent disabled"))
    began = time.perf_counter()
    situation = _situation(session, caller.agent.id, instance, pricing)
    decision = apply_rules(situation, _limits(session, caller.agent.id), utc_now())
    answer = _answer(instance_id, decision)
    _log_run(session, instance_id, body, answer, round((time.perf_counter() - began) * 1000))
    _keep(session, caller, instance_id, decision)
    _remember(session, caller, situation, decision, pricing.get("current_spot_price"))
    return answer


def _situation(session: Session, agent_id: str, instance: dict[str, Any], pricing: dict[str, Any]) -> Situation:
    pool_id = instance.get("current_pool_id")
    prices = _pool_prices(pricing.get("spot_pools"))
    recent, last = session.execute(
        select(
            func.count(case((Switch.initiated_at >= utc_now() - WEEK, 1))),
            func.max(Switch.initiated_at),
        ).where(Switch.agent_id == agent_id)
    ).one()
    return Situation(
        mode=instance.get("current_mode"),
        pool_id=pool_id,
        ondemand_price=_price(pricing.get("on_demand_price")),
        spot_price=_price(pricing.get("current_spot_price")) or prices.get(pool_id or ""),
        pool_prices=prices,
        pool_risks=pool_risks(session, [name for name in (*prices, pool_id) if name]),
        recent_switches=recent,
        last_switch_at=last,
    )


def _pool_prices(pools: Any) -> dict[str, float]:
    """The prices by pool; what names no pool or no price tells nothing."""
    named = [pool for pool in pools if isinstance(pool, dict)] if isinstance(pools, list) else []
    return {
        pool["pool_id"]: price
        for pool in named
        if isinstance(pool.get("pool_id"), str) and (price := _price(pool.get("price"))) is not None
    }


def _price(value: Any) -> float | None:
    """A price in dollars an hour; what is no positive number is no price."""
    return float(value) if isinstance(value, int | float) and value > 0 else None


def _limits(session: Session, agent_id: str) -> Limits:
    found = read_limits(session, agent_id)
    return Limits(
        auto_switch_enabled=bool(found["auto_switch_enabled"]),
        min_savings_percent=found["min_savings_percent"],
        risk_threshold=found["risk_threshold"],
        max_switches_per_week=found["max_switches_per_week"],
        min_pool_duration_hours=found["min_pool_duration_hours"],
    )


def _answer(instance_id: Any, decision: Decision) -> dict[str, Any]:
    return {
        "instance_id": instance_id,
        "risk_score": decision.risk,
        "recommended_action": decision.action,
        "recommended_mode": decision.mode,
        "recommended_pool_id": decision.pool_id,
        "expected_savings_per_hour": decision.savings,
        "allowed": decision.allowed,
        "reason": decision.reason,
    }


def _log_run(session: Session, instance_id: Any, body: dict[str, Any], answer: dict[str, Any], took_ms: int) -> None:
    """Keep what went into the engine and what came out; the decision counts even if this fails."""
    insert_row_if_possible(
        session,
        DecisionEngineRun,
        engine_type=ENGINE_TYPE,
        engine_version=ENGINE_VERSION,
        instance_id=instance_id,
        input_data={"instance": body["instance"], "pricing": body["pricing"]},
        output_decision=answer,
        execution_time_ms=took_ms,
        models_used=[],
    )


def _keep(session: Session, caller: Caller, instance_id: Any, decision: Decision) -> None:
    insert_row(
        session,
        RiskScore,
        client_id=caller.client_id,
        instance_id=instance_id,
        agent_id=caller.own_agent().id,
        risk_score=decision.risk,
        recommended_action=decision.action,
        recommended_pool_id=decision.pool_id,
        recommended_mode=decision.mode,
        expected_savings_per_hour=decision.savings,
        allowed=decision.allowed,
        reason=decision.reason,
        model_version=ENGINE_VERSION,
    )


def _remember(session: Session, caller: Caller, situation: Situation, decision: Decision, current_price: Any) -> None:
    """Add to the agent's history; the decision counts even if this fails."""
    insert_row_if_possible(
        session,
        AgentDecision,
        agent_id=caller.own_agent().id,
        client_id=caller.client_id,
        decision_type=decision.action,
        recommended_action=decision.action,
        recommended_pool_id=decision.pool_id,
        risk_score=decision.risk,
        expected_savings=decision.savings,
        current_mode=situation.mode,
        current_pool_id=situation.pool_id,
        current_price=current_price,
        decision_time=func.now(),
    )
