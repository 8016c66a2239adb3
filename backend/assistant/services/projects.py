"""Projects: one table for finance and time tracking, so that nothing has to be kept in step."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from backend.assistant.models import Project
from backend.assistant.services import records
from backend.assistant.services.records import Row
from backend.assistant.services.refusals import conflict, unfit
from backend.core.session import Session

ACTIVE, ARCHIVED = "active", "archived"
DEFAULT_RATE = Decimal("100.00")
DEFAULT_COLOR = "#ff0000"


def listed(session: Session, limit: int, offset: int, status: str | None = None) -> Row:
    """Projects by name, of one status or all."""
    table = records.table_of(Project)
    where = [table.c.status == status] if status else []
    rows = select(table).where(*where).order_by(table.c.name, table.c.id)
    count = select(func.count()).select_from(table).where(*where)
    return records.page(session, "projects", rows, count, limit, offset)


def create(session: Session, at: datetime, **values: Any) -> Row:
    """Begin a project; its row."""
    _check_days(values)
    row = {"hourly_rate": DEFAULT_RATE, "color": DEFAULT_COLOR, "status": ACTIVE, "created_at": _second(at)} | values
    identifier = records.add(session, Project, **row)
    return records.shown(records.find(session, Project, identifier, "project"))


def update(session: Session, project_id: int, **changes: Any) -> Row:
    """Change a project, also back to active; time that is measured already keeps its rate."""
    row = records.find(session, Project, project_id, "project", lock=True)
    _check_days({**row, **changes})
    records.change(session, Project, project_id, **changes)
    return records.shown({**row, **changes})


def archive(session: Session, project_id: int) -> Row:
    """Put a project away: it keeps its time and money, and no new time is booked on it."""
    return update(session, project_id, status=ARCHIVED)


def find_active(session: Session, project_id: int) -> Row:
    """The project, for booking time on it; refuses with 404 where there is none and 409 where it is archived."""
    row = records.find(session, Project, project_id, "project")
    if row["status"] == ARCHIVED:
        raise conflict(f"Project {project_id} is archived: set its status to active first, or choose another.")
    return row


def check(session: Session, project_id: int | None) -> None:
    """Refuse with 404 a project that is named and not there."""
    if project_id is not None:
        records.find(session, Project, project_id, "project")


def _check_days(row: Row) -> None:
    start, end = row.get("start_date"), row.get("end_date")
    if start is not None and end is not None and end < start:
        raise unfit("end_date", "a project does not end before it starts", end.isoformat())


def _second(at: datetime) -> datetime:
    return at.replace(microsecond=0)
