"""How often pools were interrupted lately, as a risk from 0 to 1."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select

from backend.core.clock import utc_now
from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.core.strict_types import Operand
from backend.spot.models import InterruptionEvent, SpotPool

WINDOW_DAYS = 30

LATELY = InterruptionEvent.detected_at >= bindparam("since")
OF_POOLS = Prepared(
    select(InterruptionEvent.pool_id, func.count())
    .where(InterruptionEvent.pool_id.in_(bindparam("pool_ids", expanding=True, type_=Operand())), LATELY)
    .group_by(InterruptionEvent.pool_id)
)
OF_POOL = Prepared(
    select(func.count())
    .select_from(InterruptionEvent)
    .where(InterruptionEvent.pool_id == bindparam("pool_id", type_=Operand()), LATELY)
)
CALMEST_ELSEWHERE = Prepared(
    select(SpotPool.id, SpotPool.pool_name)
    .outerjoin(InterruptionEvent, (InterruptionEvent.pool_id == SpotPool.id) & LATELY)
    .where(
        SpotPool.instance_type == bindparam("instance_type", type_=Operand()),
        SpotPool.region == bindparam("region", type_=Operand()),
        SpotPool.az != bindparam("az", type_=Operand()),
        SpotPool.is_active == 1,
    )
    .group_by(SpotPool.id, SpotPool.pool_name, SpotPool.az)
    .order_by(func.count(InterruptionEvent.id), SpotPool.az)
    .limit(1)
)


def risk_of(interruptions: int) -> float:
    """One interruption a day, or more, is a certain one."""
    return min(interruptions / WINDOW_DAYS, 1.0)


def about_pools(pool_ids: list[str]) -> tuple[Prepared, dict[str, Any]]:
    """The query for the interruptions of pools, at least one, and its parameters; `risks_in` reads what it answers."""
    return OF_POOLS, {"pool_ids": pool_ids, "since": _since()}


def risks_in(answer: Any) -> dict[str | None, float]:
    """The risk of each pool that was asked about; pools without interruptions are left out."""
    return {pool_id: risk_of(count) for pool_id, count in answer}


def pool_risk(session: Session, pool_id: str | None) -> float:
    """The risk of one pool; none for no pool."""
    if pool_id is None:
        return 0.0
    return risk_of(session.execute(OF_POOL, {"pool_id": pool_id, "since": _since()}).scalar_one())


def calmest_pool_elsewhere(session: Session, agent: Any) -> Any:
    """The least interrupted active pool of the agent's kind in another zone: `id` and `pool_name`, or None."""
    if agent.az is None:
        return None
    where = {"instance_type": agent.instance_type, "region": agent.region, "az": agent.az}
    return session.execute(CALMEST_ELSEWHERE, {**where, "since": _since()}).first()


def _since() -> datetime:
    return utc_now() - timedelta(days=WINDOW_DAYS)
