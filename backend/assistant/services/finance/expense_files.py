"""Expenses from and to CSV."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select

from backend.assistant.models import Expense
from backend.assistant.services import records
from backend.assistant.services.finance.amounts import NOTHING, text
from backend.assistant.services.finance.bookings import OTHER
from backend.assistant.services.records import Row, within
from backend.assistant.services.refusals import conflict
from backend.assistant.services.spreadsheet import CONTENT_TYPE, written
from backend.core.session import Session

COLUMNS = ("date", "description", "amount", "category", "subcategory", "vendor", "tax_deductible", "notes")
MOST_ROWS = 10_000


def take(session: Session, at: datetime, rows: Sequence[dict[str, Any]]) -> Row:
    """Book the expenses of a file, all of them or, where one is refused, none."""
    moment, amount = at.replace(microsecond=0), NOTHING
    booked = []
    for row in rows:
        amount += Decimal(row["amount"])
        given = {name: row.get(name) for name in COLUMNS}
        deductible = True if given["tax_deductible"] is None else given["tax_deductible"]
        category, day = given["category"] or OTHER, given["date"] or at.date()
        booked.append({**given, "category": category, "date": day, "tax_deductible": deductible, "created_at": moment})
    if booked:
        session.execute(insert(records.table_of(Expense)), booked)
    return {"imported": len(booked), "amount": text(amount)}


def export(session: Session, since: date | None = None, until: date | None = None, category: str | None = None) -> Row:
    """The expenses of a period as CSV that can be imported again, in the order in which they were made."""
    where = within(Expense.date, since, until)
    if category:
        where.append(Expense.category == category)
    table = records.table_of(Expense)
    wanted = select(table).where(*where).order_by(table.c.date, table.c.id).limit(MOST_ROWS + 1)
    found = session.execute(wanted).mappings().all()
    if len(found) > MOST_ROWS:
        raise conflict(f"A file has at most {MOST_ROWS} expenses: export a shorter period.")
    lines = [[_cell(row[name]) for name in COLUMNS] for row in found]
    return {
        "filename": "expenses.csv",
        "content_type": CONTENT_TYPE,
        "rows": len(lines),
        "csv": written(COLUMNS, lines),
    }


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else str(value)
