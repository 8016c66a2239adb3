"""The timer. There is one, and it is a row: no process has to live for it to run."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from backend.assistant.models import Break, TimeSession
from backend.assistant.services import projects, records
from backend.assistant.services.records import Row, shown
from backend.assistant.services.refusals import conflict
from backend.assistant.services.time_tracking import report
from backend.assistant.services.time_tracking.days import Days, local_day
from backend.assistant.services.time_tracking.working_time import length, seconds, worked
from backend.core.database_errors import StatementRefusedError
from backend.core.session import Session

STOPPED, RUNNING, PAUSED = "stopped", "running", "paused"
DUPLICATE = 1062
NONE_RUNS = "No timer is running: start one first."
PERFECT = 100
HIDDEN = ("open_slot",)


def start(session: Session, at: datetime, project_id: int, **values: Any) -> Row:
    """Start the timer on an active project. Refuses with 409 while another one runs or is paused."""
    project = projects.find_active(session, project_id)
    there = _open(session)
    if there is not None:
        raise _is_busy(there["id"])
    moment = at.replace(microsecond=0)
    row = {
        "project_id": project_id,
        "open_slot": 1,
        "start_time": moment,
        "created_at": moment,
        "duration_seconds": 0,
        "break_time_seconds": 0,
        "idle_time_seconds": 0,
        "productivity_score": PERFECT,
        "hourly_rate": project["hourly_rate"],
        "billable": True,
        "invoiced": False,
        **values,
    }
    try:
        with session.undone_alone():
            identifier = records.add(session, TimeSession, **row)
    except StatementRefusedError as error:
        if error.errno != DUPLICATE:
            raise
        raise _is_busy("that was started at the same moment") from error
    return _answer(session, records.find(session, TimeSession, identifier, "session"), at)


def pause(session: Session, at: datetime, break_type: str = "manual", reason: str | None = None) -> Row:
    """Begin a break. Refuses with 409 where no timer runs."""
    row, breaks = _locked(session)
    if _lasting(breaks):
        raise conflict("The timer is paused already: resume or stop it.")
    moment = _not_before(at, row, breaks)
    values = {"break_type": break_type, "reason": reason, "start_time": moment, "duration_seconds": 0}
    records.add(session, Break, session_id=row["id"], **values)
    return _kept(session, row, moment)


def resume(session: Session, at: datetime) -> Row:
    """End the break. Refuses with 409 where the timer is not paused."""
    row, breaks = _locked(session)
    lasting = _lasting(breaks)
    if lasting is None:
        raise conflict("The timer is running already.")
    moment = _not_before(at, row, breaks)
    _end_break(session, lasting, moment)
    return _kept(session, row, moment)


def stop(session: Session, at: datetime, **values: Any) -> Row:
    """Stop the timer, and a break that lasts; `values` are last words on the session."""
    row, breaks = _locked(session)
    moment, lasting = _not_before(at, row, breaks), _lasting(breaks)
    if lasting is not None:
        _end_break(session, lasting, moment)
    return _kept(session, row, moment, end_time=moment, open_slot=None, **values)


def status(session: Session, at: datetime, zone: ZoneInfo) -> Row:
    """What the timer does, and how long has been worked today."""
    row = _open(session)
    answer = {"state": STOPPED, "session": None} if row is None else _answer(session, row, at)
    today = local_day(at, zone)
    return {**answer, "today_seconds": report.seconds_in(session, at, Days(today, today, zone))}


def breaks_of(session: Session, session_id: int) -> list[Row]:
    """The breaks of a session, in their order."""
    table = records.table_of(Break)
    wanted = select(table).where(table.c.session_id == session_id).order_by(table.c.start_time, table.c.id)
    return [dict(row) for row in session.execute(wanted).mappings()]


def measure(row: Row, breaks: list[Row], until: datetime) -> dict[str, int]:
    """How long was worked in a session up to `until`, and how long not."""
    work = seconds(worked(row["start_time"], until, [(pause["start_time"], pause["end_time"]) for pause in breaks]))
    return {"duration_seconds": work, "break_time_seconds": length(row["start_time"], until) - work}


def _open(session: Session, *, lock: bool = False) -> Row | None:
    table = records.table_of(TimeSession)
    wanted = select(table).where(table.c.open_slot == 1)
    row = session.execute(wanted.with_for_update() if lock else wanted).mappings().one_or_none()
    return None if row is None else dict(row)


def _locked(session: Session) -> tuple[Row, list[Row]]:
    row = _open(session, lock=True)
    if row is None:
        raise conflict(NONE_RUNS)
    return row, breaks_of(session, row["id"])


def _lasting(breaks: list[Row]) -> Row | None:
    return next((pause for pause in breaks if pause["end_time"] is None), None)


def _not_before(at: datetime, row: Row, breaks: list[Row]) -> datetime:
    """The moment, to the second; when the clock was set back, the last moment that is known."""
    known = [row["start_time"], *(pause["end_time"] or pause["start_time"] for pause in breaks)]
    return max(at.replace(microsecond=0), *known)


def _end_break(session: Session, lasting: Row, moment: datetime) -> None:
    taken = length(lasting["start_time"], moment)
    records.change(session, Break, lasting["id"], end_time=moment, duration_seconds=taken)


def _kept(session: Session, row: Row, moment: datetime, **changes: Any) -> Row:
    """Keep what was measured up to now, and `changes`."""
    changes |= measure(row, breaks_of(session, row["id"]), moment)
    records.change(session, TimeSession, row["id"], **changes)
    return _answer(session, {**row, **changes}, moment)


def _answer(session: Session, row: Row, at: datetime) -> Row:
    breaks = breaks_of(session, row["id"])
    until = row["end_time"] or _not_before(at, row, breaks)
    state = STOPPED if row["end_time"] else PAUSED if _lasting(breaks) else RUNNING
    return {"state": state, "session": {**shown(row, *HIDDEN), **measure(row, breaks, until)}}


def _is_busy(which: object) -> Exception:
    return conflict(f"A timer is running or paused already, session {which}: stop it first.")
