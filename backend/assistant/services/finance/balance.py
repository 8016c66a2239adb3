"""What came in, went out and is still owed."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, func, select

from backend.assistant.models import Expense, Income, Invoice
from backend.assistant.services.finance.amounts import CURRENCY, NOTHING, text
from backend.assistant.services.finance.invoices import OVERDUE, PAID, SENT, has_status
from backend.assistant.services.finance.periods import Period, asked_for
from backend.assistant.services.records import Row, within
from backend.core.session import Session


def balance(session: Session, at: datetime, since: date | None = None, until: date | None = None) -> Row:
    """Income and expenses of a period, this month unless told otherwise; what is outstanding is so today."""
    today = at.date()
    period = asked_for(today, since, until)
    paid, other, spent = revenue_of_invoices(session, period), other_income(session, period), expenses(session, period)
    overdue = total(session, Invoice.total_amount, [has_status(OVERDUE, today)])
    sent = total(session, Invoice.total_amount, [has_status(SENT, today)])
    return {
        "income": text(paid + other),
        "income_from_invoices": text(paid),
        "other_income": text(other),
        "expenses": text(spent),
        "net": text(paid + other - spent),
        "outstanding": text(sent + overdue),
        "overdue": text(overdue),
        "currency": CURRENCY,
        "period": period.shown,
    }


def revenue_of_invoices(session: Session, period: Period) -> Decimal:
    """What clients paid in a period, taxes included."""
    return total(session, Invoice.total_amount, paid_within(period))


def other_income(session: Session, period: Period) -> Decimal:
    """What came in without an invoice."""
    return total(session, Income.amount, within(Income.date, period.since, period.until))


def expenses(session: Session, period: Period) -> Decimal:
    """What was spent."""
    return total(session, Expense.amount, within(Expense.date, period.since, period.until))


def paid_within(period: Period) -> list[ColumnElement[bool]]:
    """That an invoice was paid in a period."""
    return [Invoice.status == PAID, *within(Invoice.date_paid, period.since, period.until)]


def total(session: Session, amount: Any, where: Iterable[ColumnElement[bool]]) -> Decimal:
    """The sum of a column."""
    found: Decimal | None = session.scalars(select(func.sum(amount)).where(*where)).one()
    return found or NOTHING
