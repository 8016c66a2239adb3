"""What happens to replicas without anybody asking: every few seconds, one pass over the agents that need something.

An agent that switches automatically gets a replica after a rebalance recommendation, and fails over to one after a
termination notice. An agent in manual mode has exactly one replica. Passes may overlap, on any worker: each agent has
its own transaction, which locks the agent's row and then looks again at what is to be done.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Select, and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import aliased

from backend.core.database import run_and_commit
from backend.core.rows import update_matching
from backend.core.session import Session
from backend.core.strict_types import StrictTimestamp
from backend.spot.models import Agent, InterruptionEvent, ReplicaInstance
from backend.spot.services.replicas.creation import start_replica
from backend.spot.services.replicas.deletion import terminate
from backend.spot.services.replicas.emergency import safest_pool, start_emergency_replica
from backend.spot.services.replicas.failover import fail_over
from backend.spot.services.replicas.pool_choice import cheapest_whatever_is_known, pools_like
from backend.spot.services.replicas.primary import current_pool_id, is_primary, lock_agent, primary_of
from backend.spot.services.replicas.signals import (
    REBALANCE,
    SIGNAL_STANDS,
    TERMINATION,
    complete,
    link_replica,
    mark_emergencies_over,
    newest_signal,
)
from backend.spot.services.replicas.standby import ABLE_TO_TAKE_OVER, first_able, replicas_standing_by, stands_by

BATCH = 200
NOTICE_LASTS = timedelta(minutes=2)
UNKNOWN_HOURLY_COST = 0.05
READINESS = ("ready", "syncing", "launching", "failed")

_log = logging.getLogger("backend.spot.replicas")


@dataclass
class Report:
    """What one pass did: numbers of replicas, failovers, and agents whose turn failed (the next pass tries again)."""

    created: int = 0
    terminated: int = 0
    failed_over: int = 0
    errors: int = 0


def coordinate(session: Session, now: datetime) -> Report:
    """One pass over all agents at `now` (UTC, naive). Commits agent by agent; one that fails stops no other."""
    report = Report()
    for agent_id in _agents(session, SIGNALLED, since=now - SIGNAL_STANDS):
        _take_turn(session, agent_id, partial(_answer_signal, session, agent_id, now, report), report)
    for agent_id in _agents(session, OUT_OF_STEP):
        _take_turn(session, agent_id, partial(_keep_one, session, agent_id, now, report), report)
    run_and_commit(session, lambda: mark_emergencies_over(session, now))
    return report


def _signalled() -> Select[Any]:
    """Agents whose newest signal, not too old and about their primary, can be answered."""
    newer = aliased(InterruptionEvent)
    later = or_(
        newer.detected_at > InterruptionEvent.detected_at,
        and_(newer.detected_at == InterruptionEvent.detected_at, newer.id > InterruptionEvent.id),
    )
    standing = exists().where(ReplicaInstance.agent_id == Agent.id, stands_by(Agent.instance_id)).correlate(Agent)
    needs_replica = and_(InterruptionEvent.signal_type == REBALANCE, Agent.status == "online", ~standing)
    able = standing.where(ReplicaInstance.status.in_(ABLE_TO_TAKE_OVER))
    can_fail_over = and_(InterruptionEvent.signal_type == TERMINATION, able)
    return (
        select(Agent.id)
        .join(InterruptionEvent, InterruptionEvent.agent_id == Agent.id)
        .where(
            InterruptionEvent.detected_at >= bindparam("since", type_=StrictTimestamp()),
            InterruptionEvent.failover_completed == 0,
            InterruptionEvent.instance_id == Agent.instance_id,
            Agent.enabled == 1,
            Agent.auto_switch_enabled == 1,
            or_(needs_replica, can_fail_over),
            ~exists().where(newer.agent_id == InterruptionEvent.agent_id, later),
        )
    )


def _out_of_step() -> Select[Any]:
    """Agents in manual mode with no replica, or more than one."""
    standing = and_(ReplicaInstance.agent_id == Agent.id, stands_by(Agent.instance_id))
    return (
        select(Agent.id)
        .outerjoin(ReplicaInstance, standing)
        .where(
            Agent.manual_replica_enabled == 1,
            func.coalesce(Agent.auto_switch_enabled, 0) == 0,
            Agent.enabled == 1,
            Agent.status == "online",
        )
        .group_by(Agent.id)
        .having(func.count(ReplicaInstance.id) != 1)
    )


def _in_batches(query: Select[Any]) -> Select[Any]:
    return query.where(Agent.id > bindparam("after")).order_by(Agent.id).limit(BATCH)


SIGNALLED = _in_batches(_signalled())
OUT_OF_STEP = _in_batches(_out_of_step())


def _agents(session: Session, query: Select[Any], **parameters: Any) -> Iterator[str]:
    """The ids that `query` finds, read batch by batch; no transaction is open while they are worked on."""
    after = ""
    while True:
        batch = list(session.execute(query, {"after": after, **parameters}).scalars())
        session.commit()
        yield from batch
        if len(batch) < BATCH:
            return
        after = batch[-1]


def _take_turn(session: Session, agent_id: str, turn: Callable[[], None], report: Report) -> None:
    try:
        run_and_commit(session, turn)
    except Exception:
        _log.exception("coordinating an agent failed", extra={"agent_id": agent_id})
        report.errors += 1


def _answer_signal(session: Session, agent_id: str, now: datetime, report: Report) -> None:
    agent = lock_agent(session, agent_id)
    if agent is None or not agent.enabled or not agent.auto_switch_enabled:
        return
    signal = newest_signal(session, agent.id)
    if signal is None or signal.failover_completed or not is_primary(agent, signal.instance_id):
        return
    replicas = replicas_standing_by(session, agent)
    if signal.signal_type == TERMINATION:
        _complete_failover(session, agent, signal, replicas, now, report)
    elif not replicas:
        _ensure_replica(session, agent, signal, now, report)


def _ensure_replica(session: Session, agent: Any, signal: Any, now: datetime, report: Report) -> None:
    primary = primary_of(session, agent)
    pool = None if primary is None else safest_pool(session, agent, primary, now)
    if pool is None:
        _log.warning("no pool for an emergency replica", extra={"agent_id": agent.id})
        return
    replica_id, _ = start_emergency_replica(
        session, agent, pool, signal_type=REBALANCE, termination_time=signal.termination_time, created_by="coordinator"
    )
    link_replica(session, signal.id, replica_id)
    report.created += 1


def _complete_failover(
    session: Session, agent: Any, signal: Any, replicas: list[Any], now: datetime, report: Report
) -> None:
    """Fail over to a ready replica at once; to one that still syncs only when the primary's time is up."""
    replica = first_able(sorted(replicas, key=lambda replica: replica.id != signal.replica_id))
    time_is_up = now >= (signal.termination_time or signal.detected_at + NOTICE_LASTS)
    if replica is not None and (replica.status == "ready" or time_is_up):
        complete(session, signal.id, fail_over(session, agent, replica))
        report.failed_over += 1


def _keep_one(session: Session, agent_id: str, now: datetime, report: Report) -> None:
    agent = lock_agent(session, agent_id)
    if agent is None or not agent.enabled or agent.auto_switch_enabled or not agent.manual_replica_enabled:
        return
    replicas = replicas_standing_by(session, agent)
    for surplus in sorted(replicas, key=_usefulness)[1:]:
        terminate(session, agent, surplus)
        report.terminated += 1
    if not replicas:
        _start_manual_replica(session, agent, now, report)


def _usefulness(replica: Any) -> tuple[int, bool]:
    """The readiest comes first; of equally ready ones the former primary, which `system` made a replica, then the
    oldest, as the list is ordered."""
    return READINESS.index(replica.status), replica.created_by != "system"


def _start_manual_replica(session: Session, agent: Any, now: datetime, report: Report) -> None:
    primary = primary_of(session, agent)
    if primary is None:
        _log.warning("no instance to make a replica of", extra={"agent_id": agent.id})
        return
    pool = cheapest_whatever_is_known(pools_like(session, primary, now), current_pool_id(agent, primary))
    if pool is None:
        _log.warning("no pool for a manual replica", extra={"agent_id": agent.id})
        return
    cost = UNKNOWN_HOURLY_COST if pool.price is None else pool.price
    replica_id, _ = start_replica(
        session, agent, pool, kind="manual", prefix="manual", hourly_cost=cost, created_by="coordinator"
    )
    update_matching(session, Agent, {"id": agent.id}, current_replica_id=replica_id)
    report.created += 1
