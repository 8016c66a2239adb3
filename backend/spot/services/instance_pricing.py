"""What an instance costs where it runs, and what it would cost elsewhere."""

from typing import Any

from sqlalchemy import bindparam, select

from backend.core.clock import utc_now
from backend.core.errors import RequestRefusedError
from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.spot.models import Instance, SpotPool
from backend.spot.services.pool_prices import name_of_pool, pools_with_prices

INSTANCE = Prepared(
    select(
        Instance.instance_type,
        Instance.region,
        Instance.az,
        Instance.current_mode,
        Instance.ondemand_price,
        Instance.current_pool_id,
        SpotPool.pool_name,
        SpotPool.az.label("pool_az"),
    )
    .select_from(Instance)
    .outerjoin(SpotPool, SpotPool.id == Instance.current_pool_id)
    .where(Instance.id == bindparam("instance_id"))
)
OFFERED_TYPES = Prepared(
    select(SpotPool.instance_type)
    .where(SpotPool.region == bindparam("region"), SpotPool.is_active == 1)
    .distinct()
    .order_by(SpotPool.instance_type)
)


def pricing(session: Session, instance_id: str) -> dict[str, Any]:
    """The prices of an instance's pools beside its price on demand; Refused with 404."""
    instance = _instance(session, instance_id)
    ondemand = instance.ondemand_price or 0.0
    pools = pools_with_prices(session, instance.instance_type, instance.region, utc_now())
    return {
        "currentMode": instance.current_mode or "ondemand",
        "currentPool": _current_pool(instance),
        "onDemand": {"name": "On-Demand", "price": ondemand},
        "pools": [_with_savings(pool, ondemand) for pool in pools],
    }


def available_options(session: Session, instance_id: str) -> dict[str, Any]:
    """The pools an instance could be switched to, and the types that are offered in its region; Refused with 404.

    Both stand under two names: the ones the server once meant, and the ones the frontend reads.
    """
    instance = _instance(session, instance_id)
    pools = [
        {"id": pool.id, "az": pool.az, "instanceType": pool.instance_type, "price": pool.price}
        for pool in pools_with_prices(session, instance.instance_type, instance.region, utc_now())
        if pool.is_active
    ]
    types = list(session.execute(OFFERED_TYPES, {"region": instance.region}).scalars())
    return {
        "currentType": instance.instance_type,
        "currentRegion": instance.region,
        "currentAz": instance.az,
        "availablePools": pools,
        "availableTypes": types,
        "pools": pools,
        "instanceTypes": types,
    }


def _instance(session: Session, instance_id: str) -> Any:
    instance = session.execute(INSTANCE, {"instance_id": instance_id}).first()
    if instance is None:
        raise RequestRefusedError(404, "Instance not found")
    return instance


def _current_pool(instance: Any) -> dict[str, Any] | None:
    if not instance.current_pool_id:
        return None
    name = name_of_pool(instance.current_pool_id, instance.pool_name)
    return {"id": instance.current_pool_id, "name": name, "az": instance.pool_az}


def _with_savings(pool: Any, ondemand: float) -> dict[str, Any]:
    name = name_of_pool(pool.id, pool.pool_name)
    savings = (ondemand - pool.price) / ondemand * 100 if pool.price and ondemand else 0
    return {"id": pool.id, "name": name, "az": pool.az, "price": pool.price or 0, "savings": savings}
