"""An invoice for the time worked on a project: each second is billed once."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update

from backend.assistant.models import Project, TimeEntry, TimeSession
from backend.assistant.services import records
from backend.assistant.services.finance import invoices
from backend.assistant.services.finance.amounts import MOST_BILLED, NOTHING, earned
from backend.assistant.services.records import Row, within
from backend.assistant.services.refusals import conflict, unfit
from backend.core.session import Session

#: As many as one statement marks; what is left goes on the next invoice.
MOST_RECORDS = 5000


def bill(
    session: Session,
    at: datetime,
    project_id: int,
    client_name: str | None = None,
    since: date | None = None,
    until: date | None = None,
    **values: Any,
) -> Row:
    """Write an invoice for all billable, finished time of a project that is on no invoice yet; the invoice.

    Sessions belong to the day on which they began, in UTC. Refuses with 409 where there is nothing to bill.
    """
    project = records.find(session, Project, project_id, "project", lock=True)
    client = client_name or project["client_name"]
    if not client:
        raise unfit("client_name", f"project {project_id} names no client: say who is billed", client_name)
    entries = _open_entries(session, project_id, since, until)
    sessions = _open_sessions(session, project_id, since, until)
    if not entries and not sessions:
        raise conflict(f"Project {project_id} has no billable time that is not on an invoice already.")
    if max(len(entries), len(sessions)) > MOST_RECORDS:
        raise conflict(f"An invoice has at most {MOST_RECORDS} records of a kind: bill a shorter period.")
    amount = sum([*entries.values(), *sessions.values()], NOTHING)
    if amount > MOST_BILLED:
        raise conflict(f"The time comes to {amount}, more than one invoice can be: bill a shorter period.")
    invoice_id = invoices.write(session, at, amount, client_name=client, project_id=project_id, **values)
    _mark(session, TimeEntry, entries, invoice_id)
    _mark(session, TimeSession, sessions, invoice_id)
    billed = {"time_entries": len(entries), "time_sessions": len(sessions)}
    return {**invoices.get(session, at, invoice_id), **billed}


def _open_entries(session: Session, project_id: int, since: date | None, until: date | None) -> dict[int, Decimal]:
    wanted = select(TimeEntry.id, TimeEntry.total_amount).where(
        TimeEntry.project_id == project_id,
        TimeEntry.billable.is_(True),
        TimeEntry.invoiced.is_(False),
        *within(TimeEntry.date, since, until),
    )
    found = session.execute(wanted.order_by(TimeEntry.id).limit(MOST_RECORDS + 1).with_for_update())
    return {row.id: row.total_amount for row in found}


def _open_sessions(session: Session, project_id: int, since: date | None, until: date | None) -> dict[int, Decimal]:
    wanted = select(TimeSession.id, TimeSession.duration_seconds, TimeSession.hourly_rate).where(
        TimeSession.project_id == project_id,
        TimeSession.end_time.is_not(None),
        TimeSession.billable.is_(True),
        TimeSession.invoiced.is_(False),
    )
    if since is not None:
        wanted = wanted.where(TimeSession.start_time >= datetime.combine(since, time()))
    if until is not None:
        wanted = wanted.where(TimeSession.start_time < datetime.combine(until + timedelta(days=1), time()))
    found = session.execute(wanted.order_by(TimeSession.id).limit(MOST_RECORDS + 1).with_for_update())
    return {row.id: earned(row.duration_seconds, row.hourly_rate) for row in found}


def _mark(session: Session, model: records.Model, billed: dict[int, Decimal], invoice_id: int) -> None:
    table = records.table_of(model)
    if billed:
        session.execute(update(table).where(table.c.id.in_(billed)).values(invoiced=True, invoice_id=invoice_id))
