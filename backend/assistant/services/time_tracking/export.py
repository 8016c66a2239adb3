"""The time of a period as CSV."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from backend.assistant.models import Project, TimeEntry, TimeSession
from backend.assistant.services.finance.amounts import NOTHING, SECONDS_PER_HOUR, earned, text
from backend.assistant.services.records import Row, within
from backend.assistant.services.refusals import conflict
from backend.assistant.services.spreadsheet import CONTENT_TYPE, written
from backend.assistant.services.time_tracking.days import Days, asked_for, local_day
from backend.core.session import Session

COLUMNS = (
    *("kind", "id", "date", "project", "client", "start_utc", "end_utc", "seconds", "billable", "hourly_rate"),
    *("revenue", "invoiced", "description", "tags"),
)
MOST_ROWS = 10_000


def export(
    session: Session,
    at: datetime,
    zone: ZoneInfo,
    since: date | None = None,
    until: date | None = None,
    project_id: int | None = None,
) -> Row:
    """Stopped sessions that began in the period, and the hours told by hand; the oldest first.

    Refuses with 409 what is longer than a file may be.
    """
    days = asked_for(at, zone, since, until)
    lines = sorted([*_sessions(session, days, project_id), *_entries(session, days, project_id)])
    if len(lines) > MOST_ROWS:
        raise conflict(f"A file has at most {MOST_ROWS} rows: export a shorter period.")
    return {
        "filename": f"time-{days.since}-{days.until}.csv",
        "content_type": CONTENT_TYPE,
        "rows": len(lines),
        "csv": written(COLUMNS, (cells for *_, cells in lines)),
        "period": days.shown,
    }


#: What lines are sorted by, and their cells.
Line = tuple[date, str, int, list[str]]


def _sessions(session: Session, days: Days, project_id: int | None) -> Iterator[Line]:
    wanted = (
        select(TimeSession, Project.name.label("project"), Project.client_name)
        .join(Project, Project.id == TimeSession.project_id)
        .where(TimeSession.start_time >= days.begin, TimeSession.start_time < days.end)
        .where(TimeSession.end_time.is_not(None))
        .order_by(TimeSession.start_time, TimeSession.id)
        .limit(MOST_ROWS + 1)
    )
    if project_id is not None:
        wanted = wanted.where(TimeSession.project_id == project_id)
    for row in session.execute(wanted):
        day = local_day(row.start_time, days.zone)
        worth = earned(row.duration_seconds, row.hourly_rate) if row.billable else NOTHING
        times = (row.start_time.isoformat(), row.end_time.isoformat())
        cells = _cells("session", row, day, times, row.duration_seconds, text(worth))
        yield day, row.start_time.isoformat(), row.id, [*cells, row.tags or ""]


def _entries(session: Session, days: Days, project_id: int | None) -> Iterator[Line]:
    wanted = (
        select(TimeEntry, Project.name.label("project"), Project.client_name)
        .join(Project, Project.id == TimeEntry.project_id)
        .where(*within(TimeEntry.date, days.since, days.until))
        .order_by(TimeEntry.date, TimeEntry.id)
        .limit(MOST_ROWS + 1)
    )
    if project_id is not None:
        wanted = wanted.where(TimeEntry.project_id == project_id)
    for row in session.execute(wanted):
        worth = row.total_amount if row.billable else NOTHING
        cells = _cells("entry", row, row.date, ("", ""), int(row.hours * SECONDS_PER_HOUR), text(worth))
        yield row.date, "", row.id, [*cells, ""]


def _cells(kind: str, row: Any, day: date, times: tuple[str, str], seconds: int, revenue: str) -> list[str]:
    return [
        *(kind, str(row.id), day.isoformat(), row.project, row.client_name or "", *times, str(seconds)),
        *(_word(row.billable), text(row.hourly_rate), revenue, _word(row.invoiced), row.description or ""),
    ]


def _word(flag: bool) -> str:
    return "true" if flag else "false"
