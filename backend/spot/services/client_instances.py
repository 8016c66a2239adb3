"""The instances of a client."""

from typing import Any

from sqlalchemy import bindparam, func, or_, select

from backend.core.session import Session
from backend.spot.models import Instance

INSTANCES = (
    select(
        Instance.id,
        Instance.instance_type.label("type"),
        Instance.region,
        Instance.az,
        Instance.current_mode.label("mode"),
        func.coalesce(Instance.current_pool_id, "n/a").label("poolId"),
        func.coalesce(Instance.spot_price, 0.0).label("spotPrice"),
        func.coalesce(Instance.ondemand_price, 0.0).label("onDemandPrice"),
        Instance.is_active.label("isActive"),
        Instance.last_switch_at.label("lastSwitch"),
    )
    .where(Instance.client_id == bindparam("client_id"))
    .order_by(Instance.created_at.desc(), Instance.id)
)
IS_ACTIVE = {"active": 1, "terminated": 0}


def listing(
    session: Session, client_id: str, status: str | None = None, mode: str | None = None, search: str | None = None
) -> list[dict[str, Any]]:
    """The instances of a client, newest first; [] for an unknown client.

    `status` is active or terminated (anything else: both), `mode` an exact mode or all, `search` a part of the id or of
    the type, in which % and _ stand for anything.
    """
    query = INSTANCES
    if status in IS_ACTIVE:
        query = query.where(Instance.is_active == IS_ACTIVE[status])
    if mode is not None and mode != "all":
        query = query.where(Instance.current_mode == mode)
    if search:
        pattern = f"%{search}%"
        query = query.where(or_(Instance.id.like(pattern), Instance.instance_type.like(pattern)))
    return [row._asdict() for row in session.execute(query, {"client_id": client_id})]
