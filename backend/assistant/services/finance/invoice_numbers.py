"""Invoice numbers: INV-YYYYMMDD-HHMMSS, and for the second of a second one more, -2."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from backend.assistant.models import Invoice
from backend.assistant.services import records
from backend.assistant.services.refusals import conflict
from backend.core.database_errors import StatementRefusedError
from backend.core.session import Session

DUPLICATE = 1062
ATTEMPTS = 100


def add_numbered(session: Session, at: datetime, **values: Any) -> int:
    """Insert an invoice under the next free number of this second; its id.

    Whoever takes the number first has it, in whatever process: the other one's insert fails, and it tries the next.
    """
    base = f"INV-{at:%Y%m%d-%H%M%S}"
    number = 1
    for _ in range(ATTEMPTS):
        try:
            with session.undone_alone():
                name = base if number == 1 else f"{base}-{number}"
                return records.add(session, Invoice, invoice_number=name, **values)
        except StatementRefusedError as error:
            if error.errno != DUPLICATE:
                raise
            number = max(number, _taken(session, base)) + 1
    raise conflict("Too many invoices are being made in this second: try again in the next one.")


def _taken(session: Session, base: str) -> int:
    """How many invoices, roughly, have a number of this second: none of them needs to be tried."""
    return int(session.scalars(select(func.count()).where(Invoice.invoice_number.like(f"{base}%"))).one())
