"""Expenses and incomes, one by one, and both with paid invoices as one list."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CompoundSelect, Select, func, literal_column, select, union_all

from backend.assistant.models import Expense, Income, Invoice
from backend.assistant.services import projects, records
from backend.assistant.services.finance.amounts import NOTHING, text
from backend.assistant.services.finance.invoices import PAID
from backend.assistant.services.records import Row, within
from backend.core.session import Session

EXPENSE, INCOME = "expense", "income"
OTHER = "Other"
INVOICES = "Invoices"
MODELS: dict[str, records.Model] = {EXPENSE: Expense, INCOME: Income}
ONLY_EXPENSES = ("subcategory", "vendor", "tax_deductible", "receipt_path")


def book(session: Session, at: datetime, type: str, date: date | None = None, **values: Any) -> Row:
    """Note money spent or received, today unless told otherwise."""
    projects.check(session, values.get("project_id"))
    row = {"category": OTHER, "date": date or at.date(), "created_at": at.replace(microsecond=0)} | values
    if type == EXPENSE:
        row["vendor"] = row.get("vendor") or row.pop("client_name", None)
        row.pop("client_name", None)
        row = {"tax_deductible": True} | row
    else:
        row["client_name"] = row.get("client_name") or row.get("vendor")
        row = {name: value for name, value in row.items() if name not in ONLY_EXPENSES}
    identifier = records.add(session, MODELS[type], **row)
    return {"type": type, **records.shown(records.find(session, MODELS[type], identifier, type))}


def change(session: Session, type: str, identifier: int, **changes: Any) -> Row:
    """Correct an expense or an income."""
    row = records.find(session, MODELS[type], identifier, type, lock=True)
    projects.check(session, changes.get("project_id"))
    records.change(session, MODELS[type], identifier, **changes)
    return {"type": type, **records.shown({**row, **changes})}


def delete(session: Session, type: str, identifier: int) -> Row:
    """Delete an expense or an income."""
    records.find(session, MODELS[type], identifier, type, lock=True)
    records.remove(session, MODELS[type], identifier)
    return {"type": type, "deleted": identifier}


def expenses(
    session: Session,
    limit: int,
    offset: int,
    since: date | None = None,
    until: date | None = None,
    category: str | None = None,
    project_id: int | None = None,
) -> Row:
    """Expenses, the newest first, and what all of them come to, not only those of the page."""
    where = within(Expense.date, since, until)
    if category:
        where.append(Expense.category == category)
    if project_id:
        where.append(Expense.project_id == project_id)
    page = records.newest(session, Expense, "expenses", where, limit, offset, by="date")
    spent = session.scalars(select(func.sum(Expense.amount)).where(*where)).one()
    return {**page, "amount": text(spent or NOTHING)}


def transactions(
    session: Session,
    limit: int,
    offset: int,
    since: date | None = None,
    until: date | None = None,
    category: str | None = None,
    type: str | None = None,
) -> Row:
    """Expenses, incomes and paid invoices, the newest first; the category of invoices is called Invoices."""
    parts: list[tuple[Any, Select[Any]]] = []
    if type != INCOME:
        parts.append((Expense, _filtered(_columns(Expense, EXPENSE, Expense.vendor), Expense, since, until, category)))
    if type != EXPENSE:
        parts.append((Income, _filtered(_columns(Income, INCOME, Income.client_name), Income, since, until, category)))
        if category in (None, INVOICES):
            parts.append((Invoice, _paid(since, until)))
    # Each part is asked for no more than the page can need: then each is served by its index.
    needed = [select(part.order_by(*_newest(model)).limit(limit + offset).subquery()) for model, part in parts]
    merged = union_all(*needed).subquery()
    order = (merged.c.date.desc(), merged.c.source.desc(), merged.c.id.desc())
    found = session.execute(select(merged).order_by(*order).limit(limit).offset(offset)).mappings().all()
    total = sum(int(session.scalars(_count(part)).one()) for _, part in parts)
    return {"transactions": [records.shown(row) for row in found], "total": total, "limit": limit, "offset": offset}


def _columns(model: Any, type: str, party: Any) -> Select[Any]:
    return select(
        literal_column(f"'{type}'").label("type"),
        literal_column(f"'{type}'").label("source"),
        model.id,
        model.date,
        model.amount,
        model.category,
        model.description,
        party.label("party"),
        model.project_id,
    )


def _paid(since: date | None, until: date | None) -> Select[Any]:
    columns: Any = select(
        literal_column(f"'{INCOME}'").label("type"),
        literal_column("'invoice'").label("source"),
        Invoice.id,
        Invoice.date_paid.label("date"),
        Invoice.total_amount.label("amount"),
        literal_column(f"'{INVOICES}'").label("category"),
        Invoice.invoice_number.label("description"),
        Invoice.client_name.label("party"),
        Invoice.project_id,
    )
    wanted: Select[Any] = columns.where(Invoice.status == PAID, *within(Invoice.date_paid, since, until))
    return wanted


def _filtered(
    part: Select[Any], model: Any, since: date | None, until: date | None, category: str | None
) -> Select[Any]:
    part = part.where(*within(model.date, since, until))
    return part.where(model.category == category) if category else part


def _newest(model: Any) -> tuple[Any, Any]:
    day = Invoice.date_paid if model is Invoice else model.date
    return day.desc(), model.id.desc()


def _count(part: Select[Any] | CompoundSelect[Any]) -> Select[Any]:
    return select(func.count()).select_from(part.subquery())
