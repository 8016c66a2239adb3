"""The agents of a client, as lists."""

from typing import Any

from sqlalchemy import bindparam, case, func, select

from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.spot.models import Agent, Instance

DEFAULT_WAIT_SECONDS = 1800
SECONDS_A_MINUTE = 60
WAIT_SECONDS = func.coalesce(func.nullif(Agent.terminate_wait_seconds, 0), DEFAULT_WAIT_SECONDS)
COMMON = (
    Agent.id,
    Agent.logical_agent_id.label("logicalAgentId"),
    Agent.status,
    Agent.last_heartbeat_at.label("lastHeartbeat"),
    Agent.instance_id.label("instanceId"),
    Agent.instance_type.label("instanceType"),
    Agent.region,
    Agent.az,
    Agent.current_mode.label("currentMode"),
    Agent.enabled,
    Agent.auto_switch_enabled.label("autoSwitchEnabled"),
    Agent.manual_replica_enabled.label("manualReplicaEnabled"),
)
PRESENT = Prepared(
    select(
        *COMMON,
        Agent.agent_version.label("agentVersion"),
        Agent.instance_count.label("instanceCount"),
        Agent.auto_terminate_enabled.label("autoTerminateEnabled"),
        WAIT_SECONDS.label("terminateWaitMinutes"),
    )
    .where(Agent.client_id == bindparam("client_id"), Agent.status != "deleted")
    .order_by(Agent.last_heartbeat_at.desc(), Agent.id)
)
EVERY = Prepared(
    select(
        *COMMON,
        Agent.created_at.label("createdAt"),
        Agent.updated_at.label("updatedAt"),
        Instance.installed_at.label("installedAt"),
        Instance.terminated_at.label("terminatedAt"),
    )
    .select_from(Agent)
    .outerjoin(Instance, Instance.id == Agent.instance_id)
    .where(Agent.client_id == bindparam("client_id"))
    .order_by(
        case({"online": 1, "offline": 2, "deleted": 3}, value=Agent.status, else_=4),
        Agent.last_heartbeat_at.desc(),
        Agent.id,
        # Decides nothing more: but MariaDB, told to sort by both tables, looks up each agent once instead of twice.
        Instance.id,
    )
)


def listing(session: Session, client_id: str) -> list[dict[str, Any]]:
    """The agents of a client that are not deleted, the ones heard of last first; [] for an unknown client."""
    agents = session.dicts(PRESENT, {"client_id": client_id})
    for agent in agents:
        agent["instanceCount"] = agent["instanceCount"] or 0
        agent["terminateWaitMinutes"] //= SECONDS_A_MINUTE
    return agents


def history(session: Session, client_id: str) -> list[dict[str, Any]]:
    """All agents that a client ever had, online ones first, with the lifetime of their instance."""
    return session.dicts(EVERY, {"client_id": client_id})
