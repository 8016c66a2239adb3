"""What to do when the provider recommends to leave an instance."""

from typing import Any

from backend.core.clock import utc_now
from backend.core.rows import NOW, insert_row, update_matching
from backend.core.session import Session
from backend.spot.models import Agent, TerminationEvent
from backend.spot.services.callers import Caller
from backend.spot.services.events import record_event
from backend.spot.services.interruptions import calmest_pool_elsewhere, pool_risk

ELEVATED_RISK = 0.30


def advise(session: Session, caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
    """Record the signal; advise to switch when the pool is risky and there is another one. Refused with 404."""
    instance_id, detected_at = body.get("instance_id"), body.get("detected_at")
    agent = caller.own_agent()
    risk = pool_risk(session, agent.current_pool_id)
    target = calmest_pool_elsewhere(session, agent) if risk > ELEVATED_RISK else None
    action = "switch" if target else "monitor"
    update_matching(session, Agent, {"id": agent.id}, last_rebalance_recommendation_at=NOW)
    insert_row(
        session,
        TerminationEvent,
        agent_id=agent.id,
        instance_id=instance_id,
        event_type="rebalance_recommendation",
        detected_at=detected_at or utc_now(),
        status="detected",
        metadata={"risk_score": risk, "current_pool": agent.current_pool_id},
    )
    record_event(
        session,
        "rebalance_recommendation",
        "warning",
        f"Rebalance recommendation for {instance_id}. Risk: {risk:.2%}. Action: {action}",
        client_id=caller.client_id,
        agent_id=agent.id,
        metadata={"risk_score": risk, "action": action},
    )
    advice = {"success": True, "action": action, "risk_score": risk, "reason": _reason(risk, moving=target is not None)}
    if target is not None:
        advice |= {"target_mode": "spot", "target_pool_id": target.id, "target_pool_name": target.pool_name}
    return advice


def _reason(risk: float, *, moving: bool) -> str:
    if moving:
        return f"Current pool has elevated interruption risk ({risk:.2%})"
    return f"Risk is acceptable ({risk:.2%}), continuing to monitor"
