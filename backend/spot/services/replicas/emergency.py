"""Replicas that are needed because an instance is about to go.

Whether the agent is enabled, online, in manual mode or has a replica already does not matter in an emergency. The
switch for all that is automatic does, unless the operator of this system says otherwise.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import select

from backend.core.clock import utc_now
from backend.core.errors import RequestRefusedError
from backend.core.rows import NOW, update_matching
from backend.core.session import Session
from backend.spot.models import Agent, SpotPool
from backend.spot.services.replicas.creation import start_replica
from backend.spot.services.replicas.pool_choice import Pool, pools_like, safest
from backend.spot.services.replicas.primary import current_pool_id, lock_agent, primary_of
from backend.spot.services.replicas.signals import REBALANCE, TERMINATION, record_emergency
from backend.spot.services.replicas.standby import replicas_standing_by

KINDS = {REBALANCE: "automatic-rebalance", TERMINATION: "automatic-termination"}
URGENCY = {REBALANCE: "high", TERMINATION: "critical"}
UNDER_WAY = ("ready", "syncing", "launching")


def create_emergency_replica(
    session: Session, agent_id: str, body: dict[str, Any], *, bypasses_auto_switch: bool = False
) -> dict[str, Any]:
    """Start a replica in the safest pool, or name the emergency replica that is under way already; keep the signal.

    Refused for an unknown signal (400) or agent (404), when automatic switching is off and not bypassed (403), and when
    no pool can take a replica (500): then the signal is kept, and the coordinator goes on trying, unless automatic
    switching is off.
    """
    signal_type = body.get("signal_type")
    if signal_type not in list(KINDS):
        raise RequestRefusedError(400, "Invalid signal_type")
    agent = lock_agent(session, agent_id)
    primary = primary_of(session, agent)
    if primary is None:
        raise RequestRefusedError(404, "Agent not found")
    if not (agent.auto_switch_enabled or bypasses_auto_switch):
        raise RequestRefusedError(
            403,
            "Emergency replica creation disabled",
            reason="auto_switch_enabled is OFF. Enable auto-switch mode in agent configuration to allow automatic "
            "emergency replicas.",
            hint="Turn on Auto-Switch Mode in agent settings to enable emergency failover protection",
        )
    signal = {
        "signal_type": signal_type,
        "instance_id": body.get("instance_id") or agent.instance_id,
        "termination_time": body.get("termination_time"),
    }
    update_matching(session, Agent, {"id": agent.id}, last_interruption_signal=NOW)
    answer = _under_way(session, agent, body.get("exclude_zones") or ()) or _started(
        session, agent, primary, signal, body
    )
    if answer is None:
        record_emergency(session, agent, primary, replica_id=None, **signal)
        hint = "All pools may be at risk or unavailable"
        raise RequestRefusedError(500, "No suitable pool found for emergency replica", hint=hint)
    record_emergency(session, agent, primary, replica_id=answer["replica_id"], **signal)
    return {
        "success": True,
        "message": "Emergency replica created. Connect immediately for state sync.",
        "urgency": URGENCY[signal_type],
        **answer,
    }


def start_emergency_replica(
    session: Session, agent: Any, pool: Pool, *, signal_type: str, termination_time: Any, created_by: str
) -> tuple[str, str]:
    """Store an emergency replica of a locked `agent` in `pool`; returns its id and its instance's placeholder."""
    replica_id, placeholder = start_replica(
        session,
        agent,
        pool,
        kind=KINDS[signal_type],
        prefix="emergency",
        hourly_cost=pool.price or None,
        created_by=created_by,
        interruption_signal_type=signal_type,
        interruption_detected_at=NOW,
        termination_time=termination_time,
    )
    update_matching(session, Agent, {"id": agent.id}, current_replica_id=replica_id)
    return replica_id, placeholder


def safest_pool(
    session: Session, agent: Any, primary: Any, now: datetime, preferred: Collection[Any] = (), exclude: Any = ()
) -> Pool | None:
    """Where an emergency replica of `agent` should go; None when there is no other pool of its kind."""
    pools = pools_like(session, primary, now)
    return safest(pools, current_pool_id(agent, primary), primary.az, preferred, exclude)


def _under_way(session: Session, agent: Any, exclude_zones: Collection[Any]) -> dict[str, Any] | None:
    """The emergency replica that an earlier signal has started: a second one would only cost."""
    usable = [
        replica
        for replica in replicas_standing_by(session, agent)
        if replica.replica_type in KINDS.values() and replica.status in UNDER_WAY and replica.az not in exclude_zones
    ]
    replica = min(usable, key=lambda replica: UNDER_WAY.index(replica.status), default=None)
    if replica is None:
        return None
    name = session.execute(select(SpotPool.pool_name).where(SpotPool.id == replica.pool_id)).scalar()
    pool = {"id": replica.pool_id, "name": name, "az": replica.az}
    return _described(replica.id, replica.instance_id, pool, replica.hourly_cost)


def _started(
    session: Session, agent: Any, primary: Any, signal: dict[str, Any], body: dict[str, Any]
) -> dict[str, Any] | None:
    preferred, exclude = body.get("preferred_zones") or (), body.get("exclude_zones") or ()
    pool = safest_pool(session, agent, primary, utc_now(), preferred, exclude)
    if pool is None:
        return None
    replica_id, placeholder = start_emergency_replica(
        session,
        agent,
        pool,
        signal_type=signal["signal_type"],
        termination_time=signal["termination_time"],
        created_by="system",
    )
    return _described(replica_id, placeholder, {"id": pool.id, "name": pool.name, "az": pool.az}, pool.price)


def _described(replica_id: str, instance_id: str, pool: dict[str, Any], hourly_cost: float | None) -> dict[str, Any]:
    """Agents look for the instance under both of its names."""
    return {
        "replica_id": replica_id,
        "instance_id": instance_id,
        "replica_instance_id": instance_id,
        "pool": pool,
        "hourly_cost": hourly_cost or None,
    }
