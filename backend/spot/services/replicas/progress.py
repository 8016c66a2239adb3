"""What is reported of a replica on its way to being ready. One that has taken over stays promoted, whatever comes."""

from typing import Any

from sqlalchemy import func

from backend.core.errors import RequestRefusedError
from backend.core.rows import NOW, update_matching
from backend.core.session import Session
from backend.spot.models import ReplicaInstance
from backend.spot.services.replicas.standby import lock_replica

REPORTED = ("launching", "syncing", "ready", "failed", "terminated")
DETAILS = ("sync_started_at", "sync_completed_at", "error_message")
COMPLETE = 100.0
LAUNCHED = func.coalesce(ReplicaInstance.launched_at, func.now())
READY = func.coalesce(ReplicaInstance.ready_at, func.now())


def report_instance(session: Session, agent_id: str, replica_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Store which instance a replica really is. Refused without one (400) and for an unknown replica (404)."""
    instance_id, status = body.get("instance_id"), body.get("status", "syncing")
    if not instance_id:
        raise RequestRefusedError(400, "instance_id is required")
    replica = _known(session, agent_id, replica_id)
    _store(session, replica, {"instance_id": instance_id, "status": status, "launched_at": LAUNCHED})
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
    replica = _known(session, agent_id, replica_id)
    told = {"status": status} | {name: body[name] for name in DETAILS if body.get(name)}
    if status == "ready":
        told["ready_at"] = READY
    _store(session, replica, told)
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
    replica = lock_replica(session, agent_id, replica_id)
    if replica is not None:
        _store(session, replica, {**told, "last_sync_at": NOW})
    return {"success": True, "message": "Sync status updated"}


def _known(session: Session, agent_id: str, replica_id: str) -> Any:
    replica = lock_replica(session, agent_id, replica_id)
    if replica is None:
        raise RequestRefusedError(404, "Replica not found")
    return replica


def _store(session: Session, replica: Any, told: dict[str, Any]) -> None:
    if replica.status == "promoted":
        told = {name: value for name, value in told.items() if name != "status"}
    update_matching(session, ReplicaInstance, {"id": replica.id}, **told)
