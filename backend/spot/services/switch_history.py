"""The switches of a client's instances."""

from typing import Any

from sqlalchemy import bindparam, case, func, or_, select

from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.spot.models import Switch

LONGEST = 100
_SWITCHES = (
    select(
        Switch.id,
        Switch.old_instance_id.label("oldInstanceId"),
        Switch.new_instance_id.label("newInstanceId"),
        # Agents tell when; of those that don't it is known when they told of the switch, which is done by then.
        func.coalesce(Switch.instance_launched_at, Switch.ami_created_at, Switch.initiated_at, Switch.timestamp).label(
            "timestamp"
        ),
        Switch.old_mode.label("fromMode"),
        Switch.new_mode.label("toMode"),
        func.coalesce(Switch.old_pool_id, "n/a").label("fromPool"),
        func.coalesce(Switch.new_pool_id, "n/a").label("toPool"),
        func.coalesce(Switch.event_trigger, "manual").label("trigger"),
        func.coalesce(case((Switch.new_mode == "spot", Switch.new_spot_price), else_=Switch.on_demand_price), 0).label(
            "price"
        ),
        func.coalesce(Switch.savings_impact, 0).label("savingsImpact"),
    )
    .where(Switch.client_id == bindparam("client_id"))
    .order_by(Switch.initiated_at.desc(), Switch.timestamp.desc(), Switch.id.desc())
    .limit(LONGEST)
)
SWITCHES = Prepared(_SWITCHES)
SWITCHES_OF_INSTANCE = Prepared(
    _SWITCHES.where(
        or_(Switch.old_instance_id == bindparam("instance_id"), Switch.new_instance_id == bindparam("instance_id"))
    )
)


def listing(session: Session, client_id: str, instance_id: str | None = None) -> list[dict[str, Any]]:
    """The newest 100 switches of a client, or of one of its instances; those of unknown beginning last.

    Prices and savings are dollars an hour.
    """
    if instance_id:
        return session.dicts(SWITCHES_OF_INSTANCE, {"client_id": client_id, "instance_id": instance_id})
    return session.dicts(SWITCHES, {"client_id": client_id})
