"""What is reported of a replica on its way to being ready. One that has taken over stays promoted, whatever comes."""

from typing import Any

from sqlalchemy import func

from backend.core.database_errors import UnsupportedValueError, ValueRefusedError
from backend.core.errors import RequestRefusedError
from backend.core.rows import NOW, update_matching, update_matching_now
from backend.core.session import Session
from backend.spot.models import ReplicaInstance
from backend.spot.services.replicas.standby import lock_replica

REPORTED = ("launching", "syncing", "ready", "failed", "terminated")
DETAILS = ("sync_started_at", "sync_completed_at", "error_message")
COMPLETE = 100.0
STAYS_PROMOTED = (("status", "promoted"),)
UNFIT = (ValueRefusedError, UnsupportedValueError, UnicodeEncodeError)
LAUNCHED = func.coalesce(ReplicaInstance.launched_at, func.now())
READY = func.coalesce(ReplicaInstance.ready_at, func.now())


def report_instance(session: Session, agent_id: str, replica_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Store which instance a replica really is. Refused without one (400) and for an unknown replica (404)."""
    instance_id, status = body.get("instance_id"), body.get("status", "syncing")
    if not instance_id:
        raise RequestRefusedError(400, "instance_id is required")
    told = {"instance_id": instance_id, "status": status, "launched_at": LAUNCHED}
    _store(session, agent_id, replica_id, told)
    return {"success": True, "replica_id": replica_id, "instance_id": instance_id, "status": status}


def report_status(session: Session, agent_id: str, replica_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Store how far a replica is, and what is told about it.

    Refused without a status, or with one that is not for callers to set (400), and for an unknown replica (404).
    """
    status = body.get("status")
    if not status:
        raise RequestRefusedError(400, "status is required")
    if status not in REPORTED:
        raise RequestRefusedError(400, "Invalid status")
    told = {"status": status} | {name: body[name] for name in DETAILS if body.get(name)}
    if status == "ready":
        told["ready_at"] = READY
    _store(session, agent_id, replica_id, told)
    return {"success": True, "replica_id": replica_id, "status": status}


def report_sync(session: Session, agent_id: str, replica_id: str, body: Any) -> dict[str, Any]:
    """Store how the transfer of state goes; a complete one makes a replica ready. An unknown replica is fine."""
    told: dict[str, Any] = {name: body[name] for name in ("sync_status", "sync_latency_ms") if name in body}
    if "state_transfer_progress" in body:
        told["state_transfer_progress"] = body["state_transfer_progress"]
        if told["state_transfer_progress"] >= COMPLETE:
            told |= {"status": "ready", "ready_at": NOW}
    if "status" in body:
        told["status"] = body["status"]
        if told["status"] == "ready":
            told["ready_at"] = NOW
    told["last_sync_at"] = NOW
    try:
        match = {"id": replica_id, "agent_id": agent_id}
        update_matching(session, ReplicaInstance, match, STAYS_PROMOTED, **told)
    except UNFIT:
        _store_where_it_matters(session, agent_id, replica_id, told)
    return {"success": True, "message": "Sync status updated"}


def _store(session: Session, agent_id: str, replica_id: str, told: dict[str, Any]) -> None:
    """Store what is told of a replica; refused with 404 when the agent has no such one."""
    try:
        match = {"id": replica_id, "agent_id": agent_id}
        known = update_matching_now(session, ReplicaInstance, match, STAYS_PROMOTED, **told) > 0
    except UNFIT:
        known = _store_where_it_matters(session, agent_id, replica_id, told)
    if not known:
        raise RequestRefusedError(404, "Replica not found")


def _store_where_it_matters(session: Session, agent_id: str, replica_id: str, told: dict[str, Any]) -> bool:
    """Store what may not fit if there is a row for it, the status only if it may change; is there such a row?"""
    replica = lock_replica(session, agent_id, replica_id)
    if replica is None:
        return False
    if replica.status == "promoted":
        told = {name: value for name, value in told.items() if name != "status"}
    update_matching(session, ReplicaInstance, {"id": replica.id}, **told)
    return True
