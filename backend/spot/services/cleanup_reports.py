"""What agents deleted."""

from typing import Any

from backend.core.clock import utc_now
from backend.core.rows import NOW, insert_row, update_matching
from backend.core.session import Session
from backend.spot.models import Agent, CleanupLog
from backend.spot.services.callers import Caller
from backend.spot.services.events import record_event


def record(session: Session, caller: Caller, agent_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Store a report and return its counts."""
    snapshots, amis = body.get("snapshots", {}), body.get("amis", {})
    deleted_snapshots = len(snapshots.get("deleted", []))
    deleted_amis = len(amis.get("deleted_amis", []))
    failed = len(snapshots.get("failed", [])) + len(amis.get("failed", []))
    insert_row(
        session,
        CleanupLog,
        agent_id=agent_id,
        client_id=caller.client_id,
        cleanup_type="full",
        deleted_snapshots_count=deleted_snapshots,
        deleted_amis_count=deleted_amis,
        failed_count=failed,
        details=body,
        cutoff_date=snapshots.get("cutoff_date"),
        executed_at=body.get("timestamp") or utc_now(),
    )
    mine = {"id": agent_id, "client_id": caller.client_id}
    update_matching(session, Agent, mine, last_cleanup_at=NOW)
    record_event(
        session,
        "cleanup_completed",
        "info",
        f"Cleaned {deleted_snapshots} snapshots, {deleted_amis} AMIs. Failed: {failed}",
        client_id=caller.client_id,
        agent_id=agent_id,
        metadata=body,
    )
    return {
        "success": True,
        "message": "Cleanup report recorded",
        "deleted_snapshots": deleted_snapshots,
        "deleted_amis": deleted_amis,
        "failed_count": failed,
    }
