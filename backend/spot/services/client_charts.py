"""What the charts of a client show."""

from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, func, select

from backend.core.clock import utc_now
from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.core.time_buckets import DAY, BucketNumber, bucket_start
from backend.spot.models import Instance, Switch
from backend.spot.services.monthly_savings import NEWEST_MONTHS, name_of_month

LOOKING_BACK = timedelta(days=30)
DAY_OF_SWITCH = BucketNumber(Switch.initiated_at, DAY).label("day")
MODES = Prepared(
    select(Instance.current_mode.label("mode"), func.count().label("count"))
    .where(Instance.client_id == bindparam("client_id"), Instance.is_active == 1)
    .group_by(Instance.current_mode)
    .order_by(Instance.current_mode)
)
SWITCHES_A_DAY = Prepared(
    select(DAY_OF_SWITCH, func.count().label("switches"))
    .where(Switch.client_id == bindparam("client_id"), Switch.initiated_at >= bindparam("since"))
    .group_by(DAY_OF_SWITCH)
    .order_by(DAY_OF_SWITCH)
)


def charts(session: Session, client_id: str) -> dict[str, Any]:
    """Savings of the last 12 months, modes of the active instances, switches begun on each of the last 30 days.

    Oldest first; empty lists for an unknown client.
    """
    of_client = {"client_id": client_id}
    days, months, modes = session.execute_together(
        (SWITCHES_A_DAY, {**of_client, "since": utc_now() - LOOKING_BACK}),
        (NEWEST_MONTHS, of_client),
        (MODES, of_client),
    )
    return {
        "savingsTrend": [
            {
                "month": name_of_month(month.month),
                "baseline": month.baseline_cost or 0.0,
                "actual": month.actual_cost or 0.0,
                "savings": month.savings or 0.0,
            }
            for month in months.all()[::-1]
        ],
        "modeDistribution": [dict(mode) for mode in modes.mappings()],
        "switchFrequency": [
            {"date": bucket_start(row.day, DAY).date().isoformat(), "switches": row.switches} for row in days
        ],
    }
