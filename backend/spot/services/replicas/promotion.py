"""Promoting a replica because an operator wants it."""

from typing import Any
from uuid import uuid4

from backend.core.clock import utc_now
from backend.core.errors import RequestRefusedError
from backend.core.rows import NOW, insert_row, update_matching
from backend.core.session import Session
from backend.spot.models import ReplicaInstance
from backend.spot.services.replicas.primary import is_primary, primary_of, take_over
from backend.spot.services.replicas.standby import ABLE_TO_TAKE_OVER, lock_agent_and_replica, recount


def promote(session: Session, agent_id: str, replica_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Make a ready or syncing replica the primary; the former one stands by from then on, or is retired.

    Refused when there is no such active replica, agent or instance (404), or when the replica cannot take over (400),
    which it cannot twice.
    """
    demote = body.get("demote_old_primary", True)
    agent, replica = lock_agent_and_replica(session, agent_id, replica_id)
    if replica is None or not replica.is_active:
        raise RequestRefusedError(404, "Replica not found or inactive")
    took_over = agent is not None and is_primary(agent, replica.instance_id)
    if took_over or replica.status not in ABLE_TO_TAKE_OVER:
        raise RequestRefusedError(
            400,
            "Replica not ready for promotion",
            current_status="promoted" if took_over else replica.status,
            required_status="ready or syncing",
        )
    former = primary_of(session, agent)
    if former is None:
        raise RequestRefusedError(404, "Agent not found")
    take_over(session, agent, replica, reason="manual-replica-promotion", former_stays=bool(demote))
    update_matching(session, ReplicaInstance, {"id": replica.id}, status="promoted", promoted_at=NOW)
    if demote:
        _let_stand_by(session, agent, former, replica)
    recount(session, agent.id)
    # Apart from the commit: nothing has happened where the worker dies before it is known that all of it can.
    session.flush()
    return {
        "success": True,
        "message": "Replica promoted to primary",
        "new_instance_id": replica.instance_id,
        "old_instance_id": former.id,
        "demoted": demote,
        "switch_time": utc_now().isoformat(),
    }


def _let_stand_by(session: Session, agent: Any, former: Any, replica: Any) -> None:
    insert_row(
        session,
        ReplicaInstance,
        id=str(uuid4()),
        agent_id=agent.id,
        instance_id=former.id,
        replica_type="manual",
        pool_id=former.current_pool_id,
        instance_type=former.instance_type,
        region=former.region,
        az=former.az,
        status="ready",
        created_by="system",
        parent_instance_id=replica.instance_id,
        is_active=True,
    )
