"""What clients saved, month by month."""

import calendar
from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select

from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.spot.models import ClientSavingsMonthly

MONTHS = 12
MONTH_NAMES = tuple(calendar.month_name)
MONTHLY = "monthly"
NEWEST_MONTHS = Prepared(
    select(
        ClientSavingsMonthly.month,
        ClientSavingsMonthly.baseline_cost,
        ClientSavingsMonthly.actual_cost,
        ClientSavingsMonthly.savings,
    )
    .where(ClientSavingsMonthly.client_id == bindparam("client_id"))
    .order_by(ClientSavingsMonthly.year.desc(), ClientSavingsMonthly.month.desc())
    .limit(MONTHS)
)


def newest_months(session: Session, client_id: str) -> Sequence[Any]:
    """The last 12 months that were computed, oldest first: month (1 to 12), baseline_cost, actual_cost, savings."""
    return session.execute(NEWEST_MONTHS, {"client_id": client_id}).all()[::-1]


def name_of_month(month: int) -> str:
    """The English name of a month from 1 to 12."""
    return MONTH_NAMES[month]


def listing(session: Session, client_id: str, span: str) -> list[dict[str, Any]]:
    """The last 12 months in dollars, oldest first; nothing for any `span` but monthly."""
    if span != MONTHLY:
        return []
    return [
        {
            "name": name_of_month(month.month),
            "onDemandCost": month.baseline_cost or 0.0,
            "modelCost": month.actual_cost or 0.0,
            "savings": month.savings or 0.0,
        }
        for month in newest_months(session, client_id)
    ]
