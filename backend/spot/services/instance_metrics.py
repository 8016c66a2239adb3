"""An instance in figures."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, case, func, select

from backend.core.clock import utc_now
from backend.core.errors import RequestRefusedError
from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.spot.models import Instance, Switch

HOURS_A_DAY = 24
SECONDS_AN_HOUR = 3600
PRICE_DIGITS = 6


def _since(parameter: str, then: Any) -> ColumnElement[Any]:
    return func.sum(case((Switch.initiated_at >= bindparam(parameter), then), else_=0))


METRICS = Prepared(
    select(
        Instance.instance_type,
        Instance.current_mode,
        Instance.current_pool_id,
        Instance.spot_price,
        Instance.ondemand_price,
        Instance.baseline_ondemand_price,
        Instance.installed_at,
        Instance.last_switch_at,
        func.count(Switch.id).label("switches"),
        _since("week", 1).label("switches_of_week"),
        _since("month", 1).label("switches_of_month"),
        func.sum(Switch.savings_impact).label("savings"),
        _since("month", Switch.savings_impact).label("savings_of_month"),
    )
    .select_from(Instance)
    .outerjoin(Switch, Switch.new_instance_id == Instance.id)
    .where(Instance.id == bindparam("instance_id"))
    .group_by(Instance.id)
)


def metrics(session: Session, instance_id: str) -> dict[str, Any]:
    """Prices of an instance, its age, and the switches that led to it; Refused with 404 when it is unknown.

    Prices are dollars an hour, savings dollars a day, ages whole hours; what is unknown is 0.
    """
    now = utc_now()
    parameters = {"instance_id": instance_id, "week": now - timedelta(days=7), "month": now - timedelta(days=30)}
    found = session.execute(METRICS, parameters).first()
    if found is None:
        raise RequestRefusedError(404, "Instance not found")
    return {
        "id": instance_id,
        "instanceType": found.instance_type,
        "currentMode": found.current_mode,
        "currentPoolId": found.current_pool_id,
        "spotPrice": found.spot_price or 0.0,
        "onDemandPrice": found.ondemand_price or 0.0,
        "baselineOnDemandPrice": found.baseline_ondemand_price or 0.0,
        "uptimeHours": _hours(found.installed_at, now),
        "hoursSinceLastSwitch": _hours(found.last_switch_at, now),
        "totalSwitches": found.switches,
        "switchesLast7Days": int(found.switches_of_week),
        "switchesLast30Days": int(found.switches_of_month),
        "totalSavings": _a_day(found.savings),
        "savingsLast30Days": _a_day(found.savings_of_month),
    }


def _hours(since: datetime | None, now: datetime) -> int:
    return int((now - since).total_seconds() / SECONDS_AN_HOUR) if since else 0


def _a_day(an_hour: Any) -> float:
    return round(float(an_hour or 0) * HOURS_A_DAY, PRICE_DIGITS)
