"""What may be spent on a category in each month, quarter or year, and what has been."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from backend.assistant.models import Budget, Expense
from backend.assistant.services import records
from backend.assistant.services.finance.amounts import NOTHING, percentage, text
from backend.assistant.services.finance.periods import MONTHS, Period, first_day, touching
from backend.assistant.services.records import Row, within
from backend.assistant.services.refusals import conflict
from backend.core.bulk import insert_or_update_rows
from backend.core.session import Session

MOST_BUDGETS = 200


def put(session: Session, at: datetime, category: str, amount: Decimal, period: str = "month") -> Row:
    """Set the budget of a category for each period of this kind, in place of an earlier one."""
    moment = at.replace(microsecond=0)
    row = {"category": category, "period": period, "amount": amount, "created_at": moment, "updated_at": moment}
    if _find(session, category, period) is None:
        _check_room(session)
    insert_or_update_rows(session, Budget, ("category", "period"), ("amount", "updated_at"), [row])
    return records.shown(_find(session, category, period) or row)


def listed(session: Session, limit: int, offset: int) -> Row:
    """Budgets by category."""
    table = records.table_of(Budget)
    rows = select(table).order_by(table.c.category, table.c.period)
    return records.page(session, "budgets", rows, select(func.count()).select_from(table), limit, offset)


def delete(session: Session, budget_id: int) -> Row:
    """Delete a budget; expenses are not touched."""
    records.find(session, Budget, budget_id, "budget", lock=True)
    records.remove(session, Budget, budget_id)
    return {"deleted": budget_id}


def report(session: Session, period: Period) -> list[Row]:
    """Each budget in each of its months, quarters or years that share a day with `period`, whole as they are."""
    table = records.table_of(Budget)
    budgets = session.execute(select(table).order_by(table.c.category, table.c.period)).mappings().all()
    spent = _spent(session, period)
    return [
        _line(budget, stretch, spent[budget["category"], budget["period"], stretch.since])
        for budget in budgets
        for stretch in touching(budget["period"], period)
    ]


def _line(budget: Mapping[Any, Any], stretch: Period, spent: Decimal) -> Row:
    planned = budget["amount"]
    return {
        "budget_id": budget["id"],
        "category": budget["category"],
        "period": budget["period"],
        **stretch.shown,
        "budgeted": text(planned),
        "spent": text(spent),
        "remaining": text(planned - spent),
        "percent": text(percentage(spent, planned)),
    }


def _spent(session: Session, period: Period) -> defaultdict[tuple[str, str, date], Decimal]:
    """What was spent on each category in each month, quarter and year, by its first day."""
    whole = within(Expense.date, date(period.since.year, 1, 1), date(period.until.year, 12, 31))
    wanted = (
        select(Expense.category, Expense.date, func.sum(Expense.amount).label("amount"))
        .where(*whole, Expense.category.in_(select(Budget.category)))
        .group_by(Expense.category, Expense.date)
    )
    spent: defaultdict[tuple[str, str, date], Decimal] = defaultdict(lambda: NOTHING)
    for row in session.execute(wanted):
        for kind in MONTHS:
            spent[row.category, kind, first_day(kind, row.date)] += row.amount
    return spent


def _check_room(session: Session) -> None:
    if int(session.scalars(select(func.count()).select_from(records.table_of(Budget))).one()) >= MOST_BUDGETS:
        raise conflict(f"There are {MOST_BUDGETS} budgets already: delete one first.")


def _find(session: Session, category: str, period: str) -> Row | None:
    table = records.table_of(Budget)
    found = session.execute(select(table).where(table.c.category == category, table.c.period == period))
    row = found.mappings().one_or_none()
    return None if row is None else dict(row)
