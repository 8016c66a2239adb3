"""How often pools were interrupted lately, as a risk from 0 to 1."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from backend.core.clock import utc_now
from backend.spot.models import InterruptionEvent, SpotPool

WINDOW_DAYS = 30


def risk_of(interruptions: int) -> float:
    """One interruption a day, or more, is a certain one."""
    return min(interruptions / WINDOW_DAYS, 1.0)


def pool_risks(session: Session, pool_ids: list[str]) -> dict[str | None, float]:
    """The risk of each pool; pools without interruptions are left out."""
    if not pool_ids:
        return {}
    query = (
        select(InterruptionEvent.pool_id, func.count())
        .where(InterruptionEvent.pool_id.in_(pool_ids), _lately())
        .group_by(InterruptionEvent.pool_id)
    )
    return {pool_id: risk_of(count) for pool_id, count in session.execute(query)}


def pool_risk(session: Session, pool_id: str | None) -> float:
    """The risk of one pool; none for no pool."""
    if pool_id is None:
        return 0.0
    query = select(func.count()).select_from(InterruptionEvent).where(InterruptionEvent.pool_id == pool_id, _lately())
    return risk_of(session.execute(query).scalar_one())


def calmest_pool_elsewhere(session: Session, agent: Any) -> Any:
    """The least interrupted active pool of the agent's kind in another zone: `id` and `pool_name`, or None."""
    if agent.az is None:
        return None
    query = (
        select(SpotPool.id, SpotPool.pool_name)
        .outerjoin(InterruptionEvent, (InterruptionEvent.pool_id == SpotPool.id) & _lately())
        .where(
            SpotPool.instance_type == agent.instance_type,
            SpotPool.region == agent.region,
            SpotPool.az != agent.az,
            SpotPool.is_active == 1,
        )
        .group_by(SpotPool.id, SpotPool.pool_name, SpotPool.az)
        .order_by(func.count(InterruptionEvent.id), SpotPool.az)
        .limit(1)
    )
    return session.execute(query).first()


def _lately() -> ColumnElement[bool]:
    return InterruptionEvent.detected_at >= utc_now() - timedelta(days=WINDOW_DAYS)
