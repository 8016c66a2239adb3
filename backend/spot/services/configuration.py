"""What an agent is allowed to do."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.spot.models import Agent, AgentConfig
from backend.spot.services.callers import Caller

LIMITS = {
    "min_savings_percent": 15.0,
    "risk_threshold": 0.3,
    "max_switches_per_week": 10,
    "min_pool_duration_hours": 2,
}
FLAGS = (
    Agent.enabled,
    Agent.auto_switch_enabled,
    Agent.auto_terminate_enabled,
    Agent.terminate_wait_seconds,
    Agent.replica_enabled,
    Agent.replica_count,
)


def limits(session: Session, agent_id: str) -> dict[str, Any]:
    """The flags and limits of one agent; limits never set have their defaults."""
    return _read(session, agent_id, *FLAGS)


def config(session: Session, caller: Caller) -> dict[str, Any]:
    """The limits of the caller's agent with its replica mode; Refused with 404."""
    return _read(session, caller.own_agent().id, *FLAGS, Agent.manual_replica_enabled)


def replica_config(caller: Caller) -> dict[str, Any]:
    """Whether the caller's agent keeps replicas, and how many; Refused with 404."""
    agent = caller.own_agent()
    return {"enabled": agent.replica_enabled, "count": agent.replica_count}


def _read(session: Session, agent_id: str, *flags: Any) -> dict[str, Any]:
    defaults = (func.coalesce(getattr(AgentConfig, name), value).label(name) for name, value in LIMITS.items())
    query = (
        select(*flags, *defaults)
        .select_from(Agent)
        .outerjoin(AgentConfig, AgentConfig.agent_id == Agent.id)
        .where(Agent.id == agent_id)
    )
    return dict(session.execute(query).mappings().one())
