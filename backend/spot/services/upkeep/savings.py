"""What clients saved: this month, on a day, and in all."""

import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, case, func, select, update

from backend.core.bulk import insert_or_update_rows
from backend.core.database_errors import ValueRefusedError
from backend.core.session import Session
from backend.spot.models import Agent, Client, ClientSavingsMonthly, CostRecord, Instance, SavingsSnapshot, Switch

HOURS_PER_MONTH = 24 * 30
HOURS_PER_DAY = 24

_log = logging.getLogger("backend.spot.savings")


def active_clients(session: Session) -> list[str]:
    """The ids of all clients that are active, in order."""
    return list(session.execute(select(Client.id).where(Client.is_active == 1).order_by(Client.id)).scalars())


def all_clients(session: Session) -> list[str]:
    """The ids of all clients, in order."""
    return list(session.execute(select(Client.id).order_by(Client.id)).scalars())


def compute_month(session: Session, client_ids: Sequence[str], now: datetime) -> int:
    """Write what the clients paid and saved in the current month; returns for how many that failed.

    Baseline: the on-demand prices of their active instances for a month of 720 hours; what has no price counts
    nothing. Actual: the prices their switches of the month went to, likewise, and nothing without a switch.
    """
    first = datetime(now.year, now.month, 1)
    baselines = _baselines(session, client_ids)
    switched = _switched(session, client_ids, first, (first + timedelta(days=31)).replace(day=1))
    rows = []
    for client_id in client_ids:
        month = switched.get(client_id)
        baseline, actual = _monthly_cost(baselines.get(client_id)), _monthly_cost(month.cost if month else None)
        rows.append(
            {
                "client_id": client_id,
                "year": now.year,
                "month": now.month,
                "baseline_cost": baseline,
                "actual_cost": actual,
                "savings": max(Decimal(0), baseline - actual),
                "switch_count": month.switches if month else 0,
                "computed_at": now,
            }
        )
    return _store_months(session, rows)


def compute_day(session: Session, client_ids: Sequence[str], day: date) -> None:
    """Write what the clients' switches of a day save until the next day."""
    start = datetime(day.year, day.month, day.day)
    query = (
        select(Client.id, func.sum(Switch.savings_impact).label("impact"), func.count(Switch.id).label("switches"))
        .join(Switch, Switch.client_id == Client.id)
        .where(Client.id.in_(client_ids), Switch.initiated_at >= start, Switch.initiated_at < start + timedelta(days=1))
        .group_by(Client.id)
    )
    found = {row.id: row for row in session.execute(query)}
    rows = [
        {
            "client_id": client_id,
            "snapshot_date": day,
            "daily_savings": ((client_id in found and found[client_id].impact) or 0) * HOURS_PER_DAY,
            "switch_count": found[client_id].switches if client_id in found else 0,
        }
        for client_id in client_ids
    ]
    key, changed = ("client_id", "snapshot_date"), ("daily_savings", "switch_count")
    insert_or_update_rows(session, SavingsSnapshot, key, changed, rows)


def total_cost_records(session: Session) -> int:
    """Let clients' total savings be what the cost records of their agents add up to; returns how many changed.

    Clients without cost records keep what their switches saved.
    """
    totals = session.execute(
        select(Client.id, Client.total_savings, func.sum(CostRecord.savings).label("total"))
        .join(Agent, Agent.client_id == Client.id)
        .join(CostRecord, CostRecord.agent_id == Agent.id)
        .group_by(Client.id, Client.total_savings)
        .having(func.count(CostRecord.savings) > 0)
    )
    changed = [row for row in totals if row.total_savings is None or abs(row.total - row.total_savings) >= 0.00005]
    for row in changed:
        session.execute(update(Client).where(Client.id == row.id).values(total_savings=row.total))
    return len(changed)


def _baselines(session: Session, client_ids: Sequence[str]) -> dict[str, float | None]:
    query = (
        select(Client.id, func.sum(Instance.baseline_ondemand_price))
        .join(Instance, Instance.client_id == Client.id)
        .where(Client.id.in_(client_ids), Instance.is_active == 1)
        .group_by(Client.id)
    )
    return {client_id: price for client_id, price in session.execute(query)}  # noqa: C416 (a Row is no tuple to mypy)


def _switched(session: Session, client_ids: Sequence[str], first: datetime, end: datetime) -> dict[str, Row[Any]]:
    price = case((Switch.new_mode == "spot", Switch.new_spot_price), else_=Switch.on_demand_price)
    query = (
        select(Client.id, func.sum(price).label("cost"), func.count(Switch.id).label("switches"))
        .join(Switch, Switch.client_id == Client.id)
        .where(Client.id.in_(client_ids), Switch.initiated_at >= first, Switch.initiated_at < end)
        .group_by(Client.id)
    )
    return {row.id: row for row in session.execute(query)}


def _monthly_cost(price: float | None) -> Decimal:
    """The sum of prices an hour, which have six decimals, for a month."""
    return round(Decimal(price or 0), 6) * HOURS_PER_MONTH


def _store_months(session: Session, rows: list[dict[str, Any]]) -> int:
    """Store all rows at once; if one can't be, the others alone, so that its figures don't cost them theirs."""
    try:
        _store(session, rows)
    except ValueRefusedError:  # before anything was sent
        return sum(not _stored_alone(session, row) for row in rows)
    return 0


def _stored_alone(session: Session, row: dict[str, Any]) -> bool:
    try:
        _store(session, [row])
    except ValueRefusedError as error:
        _log.warning("savings not computed", extra={"client_id": row["client_id"], "error": str(error)})
        return False
    return True


def _store(session: Session, rows: list[dict[str, Any]]) -> None:
    changed = ("baseline_cost", "actual_cost", "savings", "switch_count", "computed_at")
    insert_or_update_rows(session, ClientSavingsMonthly, ("client_id", "year", "month"), changed, rows)
