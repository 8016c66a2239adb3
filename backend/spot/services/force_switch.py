"""Switches that people order."""

from typing import Any
from uuid import uuid4

from sqlalchemy import bindparam, case, select

from backend.core.errors import RequestRefusedError
from backend.core.prepared import Prepared
from backend.core.rows import insert_row
from backend.core.session import Session
from backend.spot.models import Agent, Command, Instance
from backend.spot.services.events import notify, record_event

PRIORITY = 75
KNOWN_INSTANCE = Prepared(select(Instance.agent_id, Instance.client_id).where(Instance.id == bindparam("instance_id")))
# Several agents may say that they run on it: the one that is there, and was heard of last, is believed.
AGENT_ON_IT = Prepared(
    select(Agent.id.label("agent_id"), Agent.client_id)
    .where(Agent.instance_id == bindparam("instance_id"))
    .order_by(case((Agent.status == "deleted", 1), else_=0), Agent.last_heartbeat_at.desc(), Agent.id)
    .limit(1)
)


def force(session: Session, instance_id: str, order: dict[str, Any]) -> dict[str, Any]:
    """Queue the switch of an instance to `order["target"]`: ondemand, spot, or a pool.

    Refused with 404 when nobody knows the instance, or when it has no agent.
    """
    wanted = {"instance_id": instance_id}
    owner = session.execute(KNOWN_INSTANCE, wanted).first() or session.execute(AGENT_ON_IT, wanted).first()
    if owner is None:
        raise RequestRefusedError(404, "Instance or agent not found")
    if owner.agent_id is None:
        raise RequestRefusedError(404, "No agent assigned to instance")
    target, pool_id, new_type = order["target"], order.get("pool_id"), order.get("new_instance_type")
    command_id = str(uuid4())
    insert_row(
        session,
        Command,
        id=command_id,
        client_id=owner.client_id,
        agent_id=owner.agent_id,
        instance_id=instance_id,
        command_type="switch",
        target_mode="spot" if target == "pool" else target,
        target_pool_id=pool_id,
        priority=PRIORITY,
        status="pending",
        created_by="manual",
    )
    of_type = f" (type: {new_type})" if new_type else ""
    notify(session, f"Manual switch queued for {instance_id}{of_type}", "warning", owner.client_id)
    record_event(
        session,
        "manual_switch_requested",
        "info",
        f"Manual switch requested for {instance_id} to {target}",
        client_id=owner.client_id,
        agent_id=owner.agent_id,
        instance_id=instance_id,
        metadata={"target": target, "pool_id": pool_id, **({"new_instance_type": new_type} if new_type else {})},
    )
    message = "Switch command queued. Agent will execute on next check."
    return {"success": True, "command_id": command_id, "message": message}
