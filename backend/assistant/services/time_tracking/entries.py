"""Hours told by hand: so many on a day."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from backend.assistant.models import TimeEntry
from backend.assistant.services import projects, records
from backend.assistant.services.finance.amounts import SECONDS_PER_HOUR, earned
from backend.assistant.services.records import Row, shown, within
from backend.assistant.services.refusals import conflict
from backend.core.session import Session


def add(session: Session, at: datetime, project_id: int, hours: Decimal, **values: Any) -> Row:
    """Tell hours worked on a project, today and at its rate unless told otherwise."""
    project = projects.find_active(session, project_id)
    rate = values.pop("hourly_rate", None)
    rate = project["hourly_rate"] if rate is None else rate
    row = {
        "project_id": project_id,
        "date": at.date(),
        "billable": True,
        "invoiced": False,
        "created_at": at.replace(microsecond=0),
        **_worth(hours, rate),
        **values,
    }
    identifier = records.add(session, TimeEntry, **row)
    return shown(records.find(session, TimeEntry, identifier, "entry"))


def listed(
    session: Session,
    limit: int,
    offset: int,
    since: date | None = None,
    until: date | None = None,
    project_id: int | None = None,
) -> Row:
    """Hours told by hand, the newest first."""
    where = within(TimeEntry.date, since, until)
    if project_id is not None:
        where.append(TimeEntry.project_id == project_id)
    return records.newest(session, TimeEntry, "entries", where, limit, offset, by="date")


def change(session: Session, entry_id: int, **changes: Any) -> Row:
    """Correct hours; what they are worth follows. What is invoiced is not changed (409)."""
    row = _changeable(session, entry_id)
    if changes.get("project_id", row["project_id"]) != row["project_id"]:
        projects.find_active(session, changes["project_id"])
    new = {**row, **changes}
    changes |= _worth(new["hours"], new["hourly_rate"])
    records.change(session, TimeEntry, entry_id, **changes)
    return shown({**row, **changes})


def delete(session: Session, entry_id: int) -> Row:
    """Delete hours. What is invoiced is not deleted (409)."""
    _changeable(session, entry_id)
    records.remove(session, TimeEntry, entry_id)
    return {"deleted": entry_id}


def _changeable(session: Session, entry_id: int) -> Row:
    row = records.find(session, TimeEntry, entry_id, "entry", lock=True)
    if row["invoiced"]:
        raise conflict(f"Entry {entry_id} is on invoice {row['invoice_id']}: delete that invoice first.")
    return row


def _worth(hours: Decimal, rate: Decimal) -> Row:
    return {"hours": hours, "hourly_rate": rate, "total_amount": earned(int(hours * SECONDS_PER_HOUR), rate)}
