"""Breaks: those the timer took, and those that were forgotten."""

from datetime import datetime
from typing import Any

from backend.assistant.models import Break, TimeSession
from backend.assistant.services import records
from backend.assistant.services.records import Row, shown
from backend.assistant.services.refusals import conflict, unfit
from backend.assistant.services.time_tracking.sessions import changeable
from backend.assistant.services.time_tracking.timer import breaks_of, measure
from backend.assistant.services.time_tracking.working_time import length
from backend.core.session import Session


def listed(session: Session, limit: int, offset: int, session_id: int | None = None) -> Row:
    """Breaks of one session or all, the newest first."""
    where = [Break.session_id == session_id] if session_id is not None else []
    return records.newest(session, Break, "breaks", where, limit, offset, by="start_time")


def add(session: Session, session_id: int, start_time: datetime, end_time: datetime, **values: Any) -> Row:
    """Take a forgotten break out of a stopped session. Breaks of a session do not overlap (409)."""
    row = changeable(session, session_id)
    if end_time <= start_time:
        raise unfit("end_time", "a break ends after it starts", end_time.isoformat())
    if start_time < row["start_time"] or end_time > row["end_time"]:
        raise unfit("start_time", f"the break is not within session {session_id}", start_time.isoformat())
    there = breaks_of(session, session_id)
    if any(pause["start_time"] < end_time and start_time < pause["end_time"] for pause in there):
        raise conflict(f"Session {session_id} has a break at that time already.")
    taken = {"start_time": start_time, "end_time": end_time, "duration_seconds": length(start_time, end_time)}
    identifier = records.add(session, Break, session_id=session_id, **taken, **{"break_type": "manual"} | values)
    measured = measure(row, breaks_of(session, session_id), row["end_time"])
    records.change(session, TimeSession, session_id, **measured)
    return {**shown(records.find(session, Break, identifier, "break")), "session_seconds": measured["duration_seconds"]}
