"""Invoices, from draft to paid."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, update

from backend.assistant.models import Invoice, TimeEntry, TimeSession
from backend.assistant.services import projects, records
from backend.assistant.services.finance.amounts import CURRENCY, tax_on
from backend.assistant.services.finance.invoice_numbers import add_numbered
from backend.assistant.services.records import Row, shown, within
from backend.assistant.services.refusals import conflict, unfit
from backend.core.session import Session

DRAFT, SENT, PAID, OVERDUE = "draft", "sent", "paid", "overdue"
DAYS_TO_PAY = 30
BILLED_TIME = (TimeEntry, TimeSession)


def create(session: Session, at: datetime, amount: Decimal, **values: Any) -> Row:
    """Write an invoice, due in 30 days unless told otherwise; the invoice."""
    projects.check(session, values.get("project_id"))
    identifier = write(session, at, amount, **values)
    return get(session, at, identifier)


def write(session: Session, at: datetime, amount: Decimal, tax_rate: Decimal = Decimal(0), **values: Any) -> int:
    """Insert an invoice; its id. Tax is `tax_rate` percent of the amount, rounded half up to the cent."""
    today = at.date()
    due = values.pop("date_due", None) or today + timedelta(days=DAYS_TO_PAY)
    _check_due(today, due)
    row = {
        "currency": CURRENCY,
        "status": DRAFT,
        "date_created": today,
        "date_due": due,
        "created_at": at.replace(microsecond=0),
        **_amounts(amount, tax_rate),
        **values,
    }
    return add_numbered(session, at, **row)


def get(session: Session, at: datetime, invoice_id: int) -> Row:
    """One invoice."""
    return _shown(records.find(session, Invoice, invoice_id, "invoice"), at.date())


def listed(
    session: Session,
    at: datetime,
    limit: int,
    offset: int,
    status: str | None = None,
    client_name: str | None = None,
    since: date | None = None,
    until: date | None = None,
) -> Row:
    """Invoices, the newest first; of one status, one client, or written within a period."""
    where = within(Invoice.date_created, since, until)
    if status:
        where.append(has_status(status, at.date()))
    if client_name:
        where.append(Invoice.client_name == client_name)
    page = records.newest(session, Invoice, "invoices", where, limit, offset, by="date_created")
    today = at.date().isoformat()
    return {**page, "invoices": [{**row, "status": _status(row, today)} for row in page["invoices"]]}


def change(session: Session, at: datetime, invoice_id: int, **changes: Any) -> Row:
    """Change an invoice that is not paid; its tax follows its amount."""
    row = _unpaid(session, invoice_id, "changed")
    projects.check(session, changes.get("project_id"))
    if "date_due" in changes:
        _check_due(row["date_created"], changes["date_due"])
    if "amount" in changes or "tax_rate" in changes:
        new = {**row, **changes}
        changes |= _amounts(new["amount"], new["tax_rate"])
    records.change(session, Invoice, invoice_id, **changes)
    return _shown({**row, **changes}, at.date())


def mark_paid(session: Session, at: datetime, invoice_id: int, date_paid: date | None = None) -> Row:
    """Note that an invoice was paid, today unless told otherwise."""
    row = _unpaid(session, invoice_id, "paid again")
    changes = {"status": PAID, "date_paid": date_paid or at.date()}
    records.change(session, Invoice, invoice_id, **changes)
    return _shown({**row, **changes}, at.date())


def delete(session: Session, invoice_id: int) -> Row:
    """Delete an invoice that is not paid; the time on it can be billed again."""
    row = _unpaid(session, invoice_id, "deleted")
    for model in BILLED_TIME:
        table = records.table_of(model)
        session.execute(update(table).where(table.c.invoice_id == invoice_id).values(invoiced=False, invoice_id=None))
    records.remove(session, Invoice, invoice_id)
    return {"deleted": invoice_id, "invoice_number": row["invoice_number"]}


def has_status(status: str, today: date) -> ColumnElement[bool]:
    """That an invoice is a draft, sent, overdue (sent, and due before today) or paid."""
    if status == OVERDUE:
        return or_(Invoice.status == OVERDUE, and_(Invoice.status == SENT, Invoice.date_due < today))
    if status == SENT:
        return and_(Invoice.status == SENT, Invoice.date_due >= today)
    return Invoice.status == status


def _unpaid(session: Session, invoice_id: int, done: str) -> Row:
    row = records.find(session, Invoice, invoice_id, "invoice", lock=True)
    if row["status"] == PAID:
        raise conflict(f"Invoice {row['invoice_number']} was paid on {row['date_paid']}: it cannot be {done}.")
    return row


def _amounts(amount: Decimal, tax_rate: Decimal) -> Row:
    tax = tax_on(amount, tax_rate)
    return {"amount": amount, "tax_rate": tax_rate, "tax_amount": tax, "total_amount": amount + tax}


def _check_due(created: date, due: date) -> None:
    if due < created:
        raise unfit("date_due", "an invoice is not due before it is written", due.isoformat())


def _shown(row: Row, today: date) -> Row:
    answered = shown(row)
    return {**answered, "status": _status(answered, today.isoformat())}


def _status(answered: Row, today: str) -> str:
    late = answered["status"] == SENT and answered["date_due"] < today
    return OVERDUE if late else answered["status"]
