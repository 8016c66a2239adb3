"""What an agent is allowed to do."""

from typing import Any

from sqlalchemy import bindparam, select

from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.core.strict_types import Operand
from backend.spot.models import Agent, AgentConfig

LIMITS = {
    "min_savings_percent": 15.0,
    "risk_threshold": 0.3,
    "max_switches_per_week": 10,
    "min_pool_duration_hours": 2,
}
FLAGS = (
    "enabled",
    "auto_switch_enabled",
    "auto_terminate_enabled",
    "terminate_wait_seconds",
    "replica_enabled",
    "replica_count",
)
FLAG_COLUMNS = tuple(getattr(Agent, name) for name in FLAGS)
LIMIT_COLUMNS = tuple(getattr(AgentConfig, name) for name in LIMITS)
OF_ONE_AGENT = Prepared(
    select(*FLAG_COLUMNS, *LIMIT_COLUMNS)
    .select_from(Agent)
    .outerjoin(AgentConfig, AgentConfig.agent_id == Agent.id)
    .where(Agent.id == bindparam("agent_id", type_=Operand()))
)


def limits(session: Session, agent_id: str) -> dict[str, Any]:
    """The flags and limits of one agent; limits never set have their defaults."""
    return limits_of(session.execute(OF_ONE_AGENT, {"agent_id": agent_id}).one())


def limits_of(agent: Any) -> dict[str, Any]:
    """The same, of an agent's row that has its limits."""
    return {name: getattr(agent, name) for name in FLAGS} | {
        name: default if (limit := getattr(agent, name)) is None else limit for name, default in LIMITS.items()
    }


def config(agent: Any) -> dict[str, Any]:
    """The limits with the replica mode, of an agent's row that has its limits."""
    return {**limits_of(agent), "manual_replica_enabled": agent.manual_replica_enabled}


def replica_config(agent: Any) -> dict[str, Any]:
    """Whether an agent keeps replicas, and how many."""
    return {"enabled": agent.replica_enabled, "count": agent.replica_count}
