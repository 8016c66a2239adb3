"""Reports about a period: profit and loss, revenue, expenses, tax, clients, projects and budgets."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, case, func, select

from backend.assistant.models import Expense, Income, Invoice, Project, TimeEntry
from backend.assistant.services.finance import balance, budgets
from backend.assistant.services.finance.amounts import CURRENCY, NOTHING, percentage, text
from backend.assistant.services.finance.invoices import OVERDUE, PAID, SENT
from backend.assistant.services.finance.periods import Period, asked_for
from backend.assistant.services.records import Row, within
from backend.core.session import Session

UNKNOWN = ""
OPEN = (SENT, OVERDUE)
#: Longest list of clients, categories or projects; what is beyond it is counted in the total all the same.
MOST_LINES = 1000


def report(session: Session, at: datetime, type: str, since: date | None = None, until: date | None = None) -> Row:
    """One report; its period is this month unless told otherwise."""
    period = asked_for(at.date(), since, until)
    return {"type": type, "currency": CURRENCY, "period": period.shown, **REPORTS[type](session, period)}


def profit_loss(session: Session, period: Period) -> Row:
    """Revenue, taxes included, less expenses; the margin is a percentage of the revenue."""
    revenue = balance.revenue_of_invoices(session, period) + balance.other_income(session, period)
    spent = balance.expenses(session, period)
    profit = revenue - spent
    return {
        "revenue": text(revenue),
        "expenses": text(spent),
        "profit": text(profit),
        "margin_percent": text(percentage(profit, revenue)),
    }


def revenue(session: Session, period: Period) -> Row:
    """What each client paid, the most first; income that names no client has an empty name."""
    by_client = _summed(session, Invoice.client_name, Invoice.total_amount, balance.paid_within(period))
    for name, amount in _summed(session, Income.client_name, Income.amount, _days(Income.date, period)).items():
        by_client[name] = by_client.get(name, NOTHING) + amount
    return _ranked("clients", "client_name", by_client)


def expenses(session: Session, period: Period) -> Row:
    """What was spent in each category, the most first, and how much of all of it is tax-deductible."""
    where = _days(Expense.date, period)
    ranked = _ranked("categories", "category", _summed(session, Expense.category, Expense.amount, where))
    return {**ranked, "tax_deductible": text(_deductible(session, period))}


def tax(session: Session, period: Period) -> Row:
    """The taxes in what clients paid, what they were paid on, and what can be deducted."""
    paid = balance.paid_within(period)
    collected = balance.total(session, Invoice.tax_amount, paid)
    net = balance.total(session, Invoice.amount, paid)
    other, deductible = balance.other_income(session, period), _deductible(session, period)
    return {
        "tax_collected": text(collected),
        "invoiced_before_tax": text(net),
        "other_income": text(other),
        "tax_deductible_expenses": text(deductible),
        "taxable_income": text(net + other - deductible),
    }


def client(session: Session, period: Period) -> Row:
    """For each client the invoices written in the period: how many, for how much, how much is paid and open."""
    amount = Invoice.total_amount
    wanted = (
        select(
            Invoice.client_name,
            func.count().label("invoices"),
            func.sum(amount).label("invoiced"),
            _sum_if(Invoice.status == PAID, amount).label("paid"),
            _sum_if(Invoice.status.in_(OPEN), amount).label("outstanding"),
        )
        .where(*_days(Invoice.date_created, period))
        .group_by(Invoice.client_name)
    )
    rows = sorted(session.execute(wanted).mappings(), key=lambda row: (-row["invoiced"], row["client_name"]))
    names = ("invoiced", "paid", "outstanding")
    lines = [{**row, **{name: text(row[name] or NOTHING) for name in names}} for row in rows]
    sums = {name: text(sum((row[name] or NOTHING for row in rows), NOTHING)) for name in names}
    return {"clients": lines[:MOST_LINES], "total": {"invoices": sum(row["invoices"] for row in rows), **sums}}


def project(session: Session, period: Period) -> Row:
    """For each project with money or hours in the period: what came in, what went out, hours told, and its budget."""
    income = _summed(session, Invoice.project_id, Invoice.total_amount, balance.paid_within(period))
    for key, amount in _summed(session, Income.project_id, Income.amount, _days(Income.date, period)).items():
        income[key] = income.get(key, NOTHING) + amount
    spent = _summed(session, Expense.project_id, Expense.amount, _days(Expense.date, period))
    hours = _summed(session, TimeEntry.project_id, TimeEntry.hours, _days(TimeEntry.date, period))
    names = session.execute(select(Project.id, Project.name, Project.client_name, Project.total_budget)).all()
    lines = []
    for row in sorted(names, key=lambda row: (row.name, row.id)):
        if row.id in income or row.id in spent or row.id in hours:
            gained, lost = income.get(row.id, NOTHING), spent.get(row.id, NOTHING)
            lines.append(
                {
                    "project_id": row.id,
                    "name": row.name,
                    "client_name": row.client_name,
                    "income": text(gained),
                    "expenses": text(lost),
                    "profit": text(gained - lost),
                    "hours": text(hours.get(row.id, NOTHING)),
                    "total_budget": None if row.total_budget is None else text(row.total_budget),
                    "budget_left": None if row.total_budget is None else text(row.total_budget - lost),
                }
            )
    return {"projects": lines[:MOST_LINES]}


def budget(session: Session, period: Period) -> Row:
    """Each budget in each of its own periods that share a day with the report's."""
    return {"budgets": budgets.report(session, period)}


REPORTS: dict[str, Callable[[Session, Period], Row]] = {
    "profit_loss": profit_loss,
    "revenue": revenue,
    "expenses": expenses,
    "tax": tax,
    "client": client,
    "project": project,
    "budget": budget,
}


def _days(column: Any, period: Period) -> list[ColumnElement[bool]]:
    return within(column, period.since, period.until)


def _summed(session: Session, by: Any, amount: Any, where: list[ColumnElement[bool]]) -> dict[Any, Decimal]:
    wanted = select(by.label("key"), func.sum(amount).label("amount")).where(*where).group_by(by)
    return {UNKNOWN if row.key is None else row.key: row.amount for row in session.execute(wanted)}


def _ranked(name: str, key: str, sums: dict[str, Decimal]) -> Row:
    ranked = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    lines = [{key: found, "total": text(amount)} for found, amount in ranked[:MOST_LINES]]
    return {name: lines, "total": text(sum(sums.values(), NOTHING))}


def _deductible(session: Session, period: Period) -> Decimal:
    where = [Expense.tax_deductible.is_(True), *_days(Expense.date, period)]
    return balance.total(session, Expense.amount, where)


def _sum_if(condition: ColumnElement[bool], amount: Any) -> Any:
    return func.sum(case((condition, amount)))
