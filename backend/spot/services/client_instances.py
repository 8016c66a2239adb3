"""The instances of a client."""

from functools import cache
from typing import Any

from sqlalchemy import bindparam, func, or_, select

from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.core.strict_types import Operand
from backend.spot.models import Instance

_INSTANCES = (
    select(
        Instance.id,
        Instance.instance_type.label("type"),
        Instance.region,
        Instance.az,
        Instance.current_mode.label("mode"),
        func.coalesce(Instance.current_pool_id, "n/a").label("poolId"),
        func.coalesce(Instance.spot_price, 0).label("spotPrice"),
        func.coalesce(Instance.ondemand_price, 0).label("onDemandPrice"),
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
    query = _instances(IS_ACTIVE.get(status or ""), mode not in (None, "all"), bool(search))
    return session.dicts(query, {"client_id": client_id, "mode": mode, "pattern": f"%{search}%"})


@cache
def _instances(state: int | None, of_mode: bool, searched: bool) -> Prepared:
    """The query for each combination of filters."""
    query = _INSTANCES
    if state is not None:
        query = query.where(Instance.is_active == state)
    if of_mode:
        query = query.where(Instance.current_mode == bindparam("mode", type_=Operand()))
    if searched:
        pattern = bindparam("pattern", type_=Operand())
        query = query.where(or_(Instance.id.like(pattern), Instance.instance_type.like(pattern)))
    return Prepared(query)
