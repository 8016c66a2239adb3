"""Deciding for an agent: gather what is known, ask the engine, keep what it said."""

import logging
import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, func, select

from backend.core.clock import utc_now
from backend.core.prepared import Prepared
from backend.core.rows import NOW, insert_row, insert_row_if_possible
from backend.core.session import Session
from backend.core.strict_types import Operand
from backend.spot.models import AgentDecision, DecisionEngineRun, RiskScore, Switch
from backend.spot.services.callers import Caller
from backend.spot.services.configuration import limits_of
from backend.spot.services.engines.host import EngineHost
from backend.spot.services.engines.interface import EngineFaultError
from backend.spot.services.engines.loading import LoadedEngine
from backend.spot.services.engines.quotes import Quote
from backend.spot.services.events import record_event
from backend.spot.services.interruptions import about_pools, risks_in

WEEK = timedelta(days=7)
CONFIG = (
    "enabled",
    "auto_switch_enabled",
    "min_savings_percent",
    "risk_threshold",
    "max_switches_per_week",
    "min_pool_duration_hours",
)
_OF_AGENT = Switch.agent_id == bindparam("agent_id", type_=Operand())
# Apart, each is a step into an index: together they would read every switch that the agent ever made.
SWITCHES = Prepared(
    select(
        select(func.count()).where(_OF_AGENT, Switch.initiated_at >= bindparam("since")).scalar_subquery(),
        select(func.max(Switch.initiated_at)).where(_OF_AGENT).scalar_subquery(),
    )
)
_log = logging.getLogger("backend.spot.decisions")

UNAVAILABLE = "Decision engine unavailable - staying in current mode for safety"


def decide(session: Session, host: EngineHost, caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
    """Decide what the caller's agent, which comes with its limits, should do and keep the decision.

    An agent that is disabled, or not the caller's, stays where it is, and nothing is kept. While no engine is loaded,
    or when it fails, the agent stays too.
    """
    instance, pricing = body["instance"], body["pricing"]
    instance_id = instance.get("instance_id")
    if caller.agent is None or not caller.agent.enabled:
        return _stay(instance, "Agent disabled")
    engine = host.engine(session)
    answer = _ask(session, engine, caller.agent, instance, pricing) if engine else None
    decision = answer or _stay(instance, UNAVAILABLE)
    _keep(session, caller, instance_id, decision, engine.version if engine else None)
    _remember(session, caller, instance, pricing, decision)
    return decision


def _stay(instance: dict[str, Any], reason: str) -> dict[str, Any]:
    return {
        "instance_id": instance.get("instance_id"),
        "risk_score": 0.0,
        "recommended_action": "stay",
        "recommended_mode": instance.get("current_mode"),
        "recommended_pool_id": instance.get("current_pool_id"),
        "expected_savings_per_hour": 0.0,
        "allowed": False,
        "reason": reason,
    }


def _ask(
    session: Session, engine: LoadedEngine, agent: Any, instance: dict[str, Any], pricing: Any
) -> dict[str, Any] | None:
    """The engine's decision; None, and an event, when it has none."""
    instance_id = instance.get("instance_id")
    situation = _situation(session, engine, agent, instance, pricing)
    began = time.perf_counter()
    try:
        decision, models = engine.decide(instance=instance, pricing=pricing, **situation)
    except EngineFaultError as fault:
        record_event(session, "decision_error", "error", str(fault), instance_id=instance_id)
        return None
    insert_row_if_possible(
        session,
        DecisionEngineRun,
        _lost,
        engine_type=engine.type,
        engine_version=engine.version,
        instance_id=instance_id,
        input_data={"instance": instance, "pricing": pricing},
        output_decision=decision,
        execution_time_ms=round((time.perf_counter() - began) * 1000),
        models_used=models,
    )
    return decision


def _situation(
    session: Session, engine: LoadedEngine, agent: Any, instance: dict[str, Any], pricing: Any
) -> dict[str, Any]:
    """What engines are told beside the request itself."""
    questions = [(SWITCHES, {"agent_id": agent.id, "since": utc_now() - WEEK})]
    pools = _mentioned(instance, pricing) if engine.wants_pool_risks else []
    if pools:
        questions.append(about_pools(pools))
    switches, *interruptions = session.execute_together(*questions)
    recent, last = switches.one()
    situation = {"config": _config(agent), "recent_switches_count": recent, "last_switch_time": last}
    if engine.wants_pool_risks:
        situation["pool_risks"] = risks_in(interruptions[0]) if pools else {}
    return situation


def _mentioned(instance: dict[str, Any], pricing: Any) -> list[str]:
    """The pools that a request is about."""
    mentioned = {*Quote.read(pricing).pools, instance.get("current_pool_id")}
    return [name for name in mentioned if isinstance(name, str) and name]


def _config(agent: Any) -> dict[str, Any]:
    found = limits_of(agent)
    config = {name: found[name] for name in CONFIG}
    return {name: Decimal(str(value)) if isinstance(value, float) else value for name, value in config.items()}


def _keep(session: Session, caller: Caller, instance_id: Any, decision: dict[str, Any], version: str | None) -> None:
    insert_row(
        session,
        RiskScore,
        client_id=caller.client_id,
        instance_id=instance_id,
        agent_id=caller.own_agent().id,
        risk_score=decision["risk_score"],
        recommended_action=decision["recommended_action"],
        recommended_pool_id=decision["recommended_pool_id"],
        recommended_mode=decision["recommended_mode"],
        expected_savings_per_hour=decision["expected_savings_per_hour"],
        allowed=decision["allowed"],
        reason=decision["reason"],
        model_version=version,
    )


def _remember(
    session: Session, caller: Caller, instance: dict[str, Any], pricing: Any, decision: dict[str, Any]
) -> None:
    """Add to the agent's history; the decision counts even if this fails."""
    insert_row_if_possible(
        session,
        AgentDecision,
        _lost,
        agent_id=caller.own_agent().id,
        client_id=caller.client_id,
        decision_type=decision["recommended_action"],
        recommended_action=decision["recommended_action"],
        recommended_pool_id=decision["recommended_pool_id"],
        risk_score=decision["risk_score"],
        expected_savings=decision["expected_savings_per_hour"],
        current_mode=instance.get("current_mode"),
        current_pool_id=instance.get("current_pool_id"),
        current_price=pricing.get("current_spot_price") if isinstance(pricing, dict) else None,
        decision_time=NOW,
    )


def _lost(reason: str) -> None:
    _log.warning("not in the history of decisions", extra={"reason": reason})
