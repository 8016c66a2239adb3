"""Interruption signals of an agent's instance, and what became of them (`spot_interruption_events`)."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, select

from backend.core.clock import utc_now
from backend.core.prepared import Prepared
from backend.core.rows import NOW, insert_row, update_matching, update_rows
from backend.core.session import Session
from backend.core.strict_types import Operand
from backend.spot.models import InterruptionEvent
from backend.spot.services.replicas.interruption_features import features_of

REBALANCE, TERMINATION = "rebalance-recommendation", "termination-notice"
SIGNAL_STANDS = timedelta(hours=2)
COLUMNS = (
    InterruptionEvent.id,
    InterruptionEvent.instance_id,
    InterruptionEvent.signal_type,
    InterruptionEvent.detected_at,
    InterruptionEvent.termination_time,
    InterruptionEvent.replica_id,
    InterruptionEvent.failover_completed,
)


def _newest(*where: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    newest_first = (InterruptionEvent.detected_at.desc(), InterruptionEvent.id.desc())
    return select(*COLUMNS).where(*where).order_by(*newest_first).limit(1)


NEWEST_OF_INSTANCE = Prepared(
    _newest(
        InterruptionEvent.agent_id == bindparam("agent_id", type_=Operand()),
        InterruptionEvent.instance_id == bindparam("instance_id", type_=Operand()),
    )
)


def newest_signal(session: Session, agent_id: str, *where: ColumnElement[bool]) -> Any:
    """The agent's newest signal (of those that match), or None."""
    return session.execute(_newest(InterruptionEvent.agent_id == agent_id, *where)).first()


def newest_signal_of(session: Session, agent_id: str, instance_id: str | None) -> Any:
    """The newest signal of an agent's instance, or None."""
    if instance_id is None:
        return newest_signal(session, agent_id, InterruptionEvent.instance_id.is_(None))
    return session.execute(NEWEST_OF_INSTANCE, {"agent_id": agent_id, "instance_id": instance_id}).first()


def record_emergency(
    session: Session,
    agent: Any,
    primary: Any,
    *,
    signal_type: str,
    instance_id: Any,
    termination_time: Any,
    replica_id: str | None,
) -> None:
    """Keep the signal that asked for an emergency replica; `replica_id` is None when no pool could take one.

    A signal is kept once, however often it is sent while it stands with the same outcome.
    """
    same = (
        InterruptionEvent.signal_type == signal_type,
        InterruptionEvent.instance_id == instance_id,
        InterruptionEvent.replica_id == replica_id,
        InterruptionEvent.failover_completed == 0,
        InterruptionEvent.detected_at >= utc_now() - SIGNAL_STANDS,
    )
    if newest_signal(session, agent.id, *same) is not None:
        return
    unanswered = {"response_action": "no-action", "success": False, "error_message": "No suitable pool found"}
    answered = {"response_action": "created-replica", "replica_id": replica_id}
    insert_row(
        session,
        InterruptionEvent,
        instance_id=instance_id,
        agent_id=agent.id,
        signal_type=signal_type,
        detected_at=NOW,
        termination_time=termination_time,
        **(unanswered if replica_id is None else answered),
        **features_of(session, agent, primary, utc_now()),
    )


def record_notice_without_replica(session: Session, agent_id: str, instance_id: Any, termination_time: Any) -> None:
    """Keep that a termination notice found nothing to fail over to. The agent may be unknown."""
    insert_row(
        session,
        InterruptionEvent,
        instance_id=instance_id,
        agent_id=agent_id,
        signal_type=TERMINATION,
        detected_at=NOW,
        termination_time=termination_time,
        response_action="emergency-snapshot",
        success=False,
        error_message="No replica available",
    )


def link_replica(session: Session, signal_id: int, replica_id: str) -> None:
    """Keep which replica answers a signal."""
    answer = {"replica_id": replica_id, "response_action": "created-replica", "success": True, "error_message": None}
    update_matching(session, InterruptionEvent, {"id": signal_id}, **answer)


def complete(session: Session, signal_id: int, failover_time_ms: int) -> None:
    """Keep that a replica took over because of a signal."""
    done = {"replica_ready": True, "failover_completed": True, "failover_time_ms": failover_time_ms, "success": True}
    update_matching(session, InterruptionEvent, {"id": signal_id}, **done)


def mark_emergencies_over(session: Session, now: datetime) -> None:
    """Note in the metadata of answered termination notices that their emergency is over."""
    answered = (
        InterruptionEvent.detected_at >= now - SIGNAL_STANDS,
        InterruptionEvent.signal_type == TERMINATION,
        InterruptionEvent.failover_completed == 1,
        InterruptionEvent.metadata_.is_(None),
    )
    update_rows(session, InterruptionEvent, *answered, metadata={"emergency_complete": True})
