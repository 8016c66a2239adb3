"""What programs and people did meanwhile."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from backend.assistant.models import ActivityLog, TimeSession
from backend.assistant.services import records
from backend.assistant.services.records import Row, shown
from backend.assistant.services.time_tracking.days import midnight
from backend.core.session import Session


def log(session: Session, at: datetime, activity_type: str, session_id: int | None = None, **values: Any) -> Row:
    """Note an activity, in the session that is open unless told otherwise."""
    if session_id is None:
        session_id = session.scalars(select(TimeSession.id).where(TimeSession.open_slot == 1)).one_or_none()
    else:
        records.find(session, TimeSession, session_id, "session")
    row = {
        "session_id": session_id,
        "activity_type": activity_type,
        "timestamp": at.replace(microsecond=0),
        "duration_seconds": 0,
        "productivity_category": "neutral",
        **values,
    }
    identifier = records.add(session, ActivityLog, **row)
    return shown(records.find(session, ActivityLog, identifier, "activity"))


def listed(
    session: Session,
    zone: ZoneInfo,
    limit: int,
    offset: int,
    session_id: int | None = None,
    since: date | None = None,
    until: date | None = None,
) -> Row:
    """Activities of one session or all, of some days or all; the newest first."""
    where = [ActivityLog.session_id == session_id] if session_id is not None else []
    if since is not None:
        where.append(ActivityLog.timestamp >= midnight(since, zone))
    if until is not None:
        where.append(ActivityLog.timestamp < midnight(date.fromordinal(until.toordinal() + 1), zone))
    return records.newest(session, ActivityLog, "activities", where, limit, offset, by="timestamp")
