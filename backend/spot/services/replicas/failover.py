"""Taking over because the primary is about to be terminated."""

from time import perf_counter
from typing import Any

from sqlalchemy import func

from backend.core.errors import RequestRefusedError
from backend.core.rows import NOW, update_matching
from backend.core.session import Session
from backend.spot.models import Agent, ReplicaInstance
from backend.spot.services.replicas.primary import is_primary, lock_agent, take_over
from backend.spot.services.replicas.signals import complete, newest_signal_of, record_notice_without_replica
from backend.spot.services.replicas.standby import GONE, first_able, lock_replica, recount, replicas_standing_by

ONE_MORE_HANDLED = func.coalesce(Agent.interruption_handled_count, 0) + 1


def answer_termination_notice(session: Session, agent_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Let the named replica take over, or else the first ready (or syncing) one, and retire the primary.

    Refused when there is none, which is kept as an event and tells the agent to save what it can (500), and when the
    named one is not a replica that stands by for the agent (404).
    """
    instance_id, named = body.get("instance_id"), body.get("replica_id")
    agent = lock_agent(session, agent_id)
    if named and agent is None:
        raise RequestRefusedError(500, "list index out of range")
    if named:
        replica = lock_replica(session, agent.id, named)
        if not _can_be_named(agent, replica):
            raise RequestRefusedError(404, "Replica instance_id not found")
    else:
        replica = None if agent is None else _first_able_other_than(session, agent, instance_id)
    if replica is None:
        record_notice_without_replica(session, agent_id, instance_id, body.get("termination_time"))
        raise RequestRefusedError(
            500,
            "No replica available",
            success=False,
            action="emergency_snapshot_required",
            message="Agent should create emergency state snapshot and upload to S3",
        )
    duration = fail_over(session, agent, replica)
    told_by = agent.instance_id if instance_id is None else instance_id
    signal = newest_signal_of(session, agent.id, told_by)
    if signal is not None:
        complete(session, signal.id, duration)
    return {
        "success": True,
        "action": "replica_promoted",
        "message": "Automatic failover completed",
        "replica_id": replica.id,
        "new_instance_id": replica.instance_id,
        "failover_time_ms": duration,
    }


def fail_over(session: Session, agent: Any, replica: Any) -> int:
    """Let a locked `replica` that stands by take over from the primary of a locked `agent`; returns milliseconds."""
    began = perf_counter()
    take_over(session, agent, replica, reason="automatic-interruption-failover", former_stays=False)
    taken = {"status": "promoted", "promoted_at": NOW, "failover_completed_at": NOW}
    update_matching(session, ReplicaInstance, {"id": replica.id}, **taken)
    update_matching(session, Agent, {"id": agent.id}, interruption_handled_count=ONE_MORE_HANDLED)
    recount(session, agent.id)
    # Apart from the commit: nothing has happened where the worker dies before it is known that all of it can.
    session.flush()
    return int((perf_counter() - began) * 1000)


def _first_able_other_than(session: Session, agent: Any, instance_id: Any) -> Any:
    """A former primary that stands by may get a notice too; it can't take over then."""
    others = [replica for replica in replicas_standing_by(session, agent) if replica.instance_id != instance_id]
    return first_able(others)


def _can_be_named(agent: Any, replica: Any) -> bool:
    """Even one that is still launching may be named, but neither one that has gone nor the primary itself."""
    if replica is None or not replica.is_active or replica.status in GONE:
        return False
    return not is_primary(agent, replica.instance_id)
