"""What the timer measured, to be looked through and put right."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete as deletion
from sqlalchemy import func, or_, select

from backend.assistant.models import ActivityLog, Break, Project, TimeSession
from backend.assistant.services import projects, records
from backend.assistant.services.finance.amounts import NOTHING, earned, text
from backend.assistant.services.records import Row, shown
from backend.assistant.services.refusals import conflict, unfit
from backend.assistant.services.time_tracking.days import asked_for
from backend.assistant.services.time_tracking.timer import HIDDEN, breaks_of, measure
from backend.core.session import Session

LONGEST = timedelta(days=366)


def listed(
    session: Session,
    at: datetime,
    zone: ZoneInfo,
    limit: int,
    offset: int,
    since: date | None = None,
    until: date | None = None,
    project_id: int | None = None,
) -> Row:
    """Sessions that share a moment with some days, the last seven unless told otherwise; the newest first."""
    days = asked_for(at, zone, since, until)
    late = or_(TimeSession.end_time.is_(None), TimeSession.end_time >= days.begin)
    where = [TimeSession.start_time < days.end, late]
    if project_id is not None:
        where.append(TimeSession.project_id == project_id)
    table = records.table_of(TimeSession)
    rows = (
        select(table, Project.name.label("project"), Project.client_name)
        .join(Project, Project.id == table.c.project_id)
        .where(*where)
        .order_by(table.c.start_time.desc(), table.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    found = [_shown(session, dict(row), at) for row in session.execute(rows).mappings().all()]
    total = session.scalars(select(func.count()).select_from(table).where(*where)).one()
    return {"sessions": found, "total": int(total), "limit": limit, "offset": offset, "period": days.shown}


def change(session: Session, at: datetime, session_id: int, **changes: Any) -> Row:
    """Put a stopped session right; its breaks must still lie in it. What is invoiced is not changed (409)."""
    row = changeable(session, session_id)
    if changes.get("project_id", row["project_id"]) != row["project_id"]:
        changes["hourly_rate"] = projects.find_active(session, changes["project_id"])["hourly_rate"]
    new = {**row, **changes}
    if new["end_time"] < new["start_time"]:
        raise unfit("end_time", "a session does not end before it starts", new["end_time"].isoformat())
    if new["end_time"] - new["start_time"] > LONGEST:
        raise unfit("end_time", f"a session takes at most {LONGEST.days} days", new["end_time"].isoformat())
    if new["end_time"] > at:
        raise unfit("end_time", "a session does not end in the future", new["end_time"].isoformat())
    breaks = breaks_of(session, session_id)
    if any(pause["start_time"] < new["start_time"] or pause["end_time"] > new["end_time"] for pause in breaks):
        raise unfit("start_time", "a break of the session would lie outside of it", new["start_time"].isoformat())
    changes |= measure(new, breaks, new["end_time"])
    records.change(session, TimeSession, session_id, **changes)
    return _shown(session, {**new, **changes}, at)


def delete(session: Session, session_id: int) -> Row:
    """Delete a stopped session with its breaks and activities. What is invoiced is not deleted (409)."""
    changeable(session, session_id)
    for model in (Break, ActivityLog):
        table = records.table_of(model)
        session.execute(deletion(table).where(table.c.session_id == session_id))
    records.remove(session, TimeSession, session_id)
    return {"deleted": session_id}


def changeable(session: Session, session_id: int) -> Row:
    """The session, locked; refuses with 409 where it is not stopped, or is invoiced."""
    row = records.find(session, TimeSession, session_id, "session", lock=True)
    if row["end_time"] is None:
        raise conflict(f"Session {session_id} is not stopped: stop it first.")
    if row["invoiced"]:
        raise conflict(f"Session {session_id} is on invoice {row['invoice_id']}: delete that invoice first.")
    return row


def _shown(session: Session, row: Row, at: datetime) -> Row:
    if row["end_time"] is None:
        row |= measure(row, breaks_of(session, row["id"]), max(at.replace(microsecond=0), row["start_time"]))
    worth = earned(row["duration_seconds"], row["hourly_rate"]) if row["billable"] else NOTHING
    return {**shown(row, *HIDDEN), "revenue": text(worth)}
