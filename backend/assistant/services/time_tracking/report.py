"""How the time of a period is spread over days, projects and clients.

Every second counts once: a session that goes past midnight is split there, breaks are left out, and what a piece is
worth is the difference of two rounded amounts, so that the pieces of a session come to exactly what it is worth.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, or_, select

from backend.assistant.models import Break, Project, TimeEntry, TimeSession
from backend.assistant.services.finance.amounts import CENT, NOTHING, SECONDS_PER_HOUR, earned, text
from backend.assistant.services.records import Row, within
from backend.assistant.services.time_tracking.days import Days, asked_for
from backend.assistant.services.time_tracking.working_time import length, worked
from backend.core.session import Session

DAY, PROJECT, CLIENT = "day", "project", "client"


@dataclass(frozen=True)
class Piece:
    """Work on one project on one day; `revenue` is 0 where it is not billable."""

    day: date
    project_id: int
    seconds: int
    billable: bool
    revenue: Decimal


@dataclass
class Sum:
    """What pieces come to."""

    seconds: int = 0
    billable_seconds: int = 0
    revenue: Decimal = NOTHING
    names: dict[str, Any] = field(default_factory=dict)

    def add(self, piece: Piece) -> None:
        """Count one piece."""
        self.seconds += piece.seconds
        self.billable_seconds += piece.seconds if piece.billable else 0
        self.revenue += piece.revenue

    @property
    def hours(self) -> Decimal:
        """Hours, rounded to two places for reading; the seconds are exact."""
        return hours(self.seconds)

    @property
    def shown(self) -> Row:
        """As it is answered."""
        return {
            **self.names,
            "seconds": self.seconds,
            "billable_seconds": self.billable_seconds,
            "hours": text(self.hours),
            "billable_hours": text(hours(self.billable_seconds)),
            "revenue": text(self.revenue),
        }


def report(
    session: Session,
    at: datetime,
    zone: ZoneInfo,
    group_by: str = DAY,
    since: date | None = None,
    until: date | None = None,
    project_id: int | None = None,
) -> Row:
    """The time of some days, the last seven unless told otherwise, by day, project or client; with their total."""
    days = asked_for(at, zone, since, until)
    names = {row.id: row for row in session.execute(select(Project.id, Project.name, Project.client_name))}
    groups: defaultdict[Any, Sum] = defaultdict(Sum)
    total = Sum()
    for piece in pieces(session, at, days, project_id):
        key, labels = _label(group_by, piece, names[piece.project_id])
        groups[key].names = labels
        groups[key].add(piece)
        total.add(piece)
    listed = [groups[key].shown for key in sorted(groups)]
    return {"period": days.shown, "group_by": group_by, "groups": listed, "total": total.shown}


def sums_by_day(session: Session, at: datetime, days: Days) -> dict[date, Sum]:
    """What each day came to."""
    sums: defaultdict[date, Sum] = defaultdict(Sum)
    for piece in pieces(session, at, days):
        sums[piece.day].add(piece)
    return dict(sums)


def seconds_in(session: Session, at: datetime, days: Days) -> int:
    """How long was worked."""
    return sum(piece.seconds for piece in pieces(session, at, days))


def hours(seconds: int) -> Decimal:
    """Hours to two places."""
    return (Decimal(seconds) / SECONDS_PER_HOUR).quantize(CENT, ROUND_HALF_UP)


def pieces(session: Session, at: datetime, days: Days, project_id: int | None = None) -> Iterator[Piece]:
    """All work in `days`, up to now: what the timer measured, and what was told by hand."""
    yield from _measured(session, at, days, project_id)
    yield from _told(session, days, project_id)


def _measured(session: Session, at: datetime, days: Days, project_id: int | None) -> Iterator[Piece]:
    now = at.replace(microsecond=0)
    columns = (TimeSession.id, TimeSession.project_id, TimeSession.start_time, TimeSession.end_time)
    wanted: Any = select(*columns, TimeSession.hourly_rate, TimeSession.billable)
    sessions = _overlapping(wanted, days, project_id)
    taken: Any = select(Break.session_id, Break.start_time, Break.end_time).join(
        TimeSession, TimeSession.id == Break.session_id
    )
    breaks: defaultdict[int, list[tuple[datetime, datetime | None]]] = defaultdict(list)
    for row in session.execute(_overlapping(taken, days, project_id)):
        breaks[row.session_id].append((row.start_time, row.end_time))
    for row in session.execute(sessions.order_by(TimeSession.start_time, TimeSession.id)).all():
        yield from _pieces_of(row, breaks[row.id], row.end_time or max(now, row.start_time), days)


def _pieces_of(row: Any, breaks: list[tuple[datetime, datetime | None]], end: datetime, days: Days) -> Iterator[Piece]:
    before = 0
    for span in worked(row.start_time, end, breaks):
        for day, start, stop in days.split(span):
            first, last = before + length(span[0], start), before + length(span[0], stop)
            worth = earned(last, row.hourly_rate) - earned(first, row.hourly_rate) if row.billable else NOTHING
            yield Piece(day, row.project_id, last - first, row.billable, worth)
        before += length(*span)


def _told(session: Session, days: Days, project_id: int | None) -> Iterator[Piece]:
    columns = (TimeEntry.date, TimeEntry.project_id, TimeEntry.hours, TimeEntry.total_amount, TimeEntry.billable)
    wanted = select(*columns).where(*within(TimeEntry.date, days.since, days.until))
    if project_id is not None:
        wanted = wanted.where(TimeEntry.project_id == project_id)
    for row in session.execute(wanted):
        worth = row.total_amount if row.billable else NOTHING
        yield Piece(row.date, row.project_id, int(row.hours * SECONDS_PER_HOUR), row.billable, worth)


def _overlapping(wanted: Select[Any], days: Days, project_id: int | None) -> Select[Any]:
    late = or_(TimeSession.end_time.is_(None), TimeSession.end_time > days.begin)
    wanted = wanted.where(TimeSession.start_time < days.end, late)
    return wanted if project_id is None else wanted.where(TimeSession.project_id == project_id)


def _label(group_by: str, piece: Piece, project: Any) -> tuple[Any, Row]:
    """What a group is sorted by, and called."""
    if group_by == PROJECT:
        names = {"project_id": project.id, "project": project.name, "client_name": project.client_name}
        return (project.name, project.id), names
    if group_by == CLIENT:
        return project.client_name or "", {"client_name": project.client_name}
    return piece.day, {"date": piece.day.isoformat()}
