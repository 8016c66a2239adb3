"""What the time tracking tool is told."""

from backend.assistant.schemas.exact_fields import (
    ExactNumber,
    Instant,
    amount,
    day,
    limit,
    long_text,
    offset,
    phrase,
    required_phrase,
    row_id,
    zone,
)
from backend.core.wire_fields import Choice, Flag, WireSchema
from backend.core.wire_numbers import WholeNumber

MOST_RATE = "999999.99"
MOST_MONEY = "9999999999.99"
PRODUCTIVITY = ("productive", "neutral", "distracting")
MOST_SECONDS = 7 * 86400


def hours(*, required: bool = False) -> ExactNumber:
    """Hours, of one day."""
    described = {"description": "Hours, to two places", "example": "7.50"}
    return ExactNumber(least="0.01", most="24", metadata=described, required=required)


def moment(description: str, *, required: bool = False) -> Instant:
    """A moment."""
    described = {"description": f"{description}; UTC unless it names a zone", "example": "2025-01-31T09:00:00"}
    return Instant(metadata=described, required=required)


class TimerStart(WireSchema):
    """What the timer is to measure."""

    project_id = row_id("the project", required=True)
    description = long_text("work")
    tags = phrase(500, "design, review")
    billable = Flag()


class TimerPause(WireSchema):
    """Why the timer pauses."""

    break_type = phrase(50, "manual", allow_none=False, min_length=1)
    reason = phrase(500, "lunch")


class TimerResume(WireSchema):
    """Nothing has to be told."""


class TimerStop(WireSchema):
    """Last words on what was measured; what is left out stays as it is."""

    description = long_text("work")
    tags = phrase(500, "design, review")
    billable = Flag()


class TimerStatus(WireSchema):
    """Whose today."""

    zone = zone()


class TimePeriod(WireSchema):
    """From one day to another, both included, of a time zone; the last seven days unless told otherwise."""

    since = day("The first day", data_key="from")
    until = day("The last day", data_key="to")
    zone = zone()
    project_id = row_id("the only project")


class TimeReport(TimePeriod):
    """How time is to be grouped."""

    group_by = Choice("day", "project", "client", load_default="day")


class SessionList(TimePeriod):
    """Which sessions are listed."""

    limit = limit()
    offset = offset()


class SessionNamed(WireSchema):
    """A session by its id."""

    session_id = row_id("the session", required=True)


class SessionChanges(SessionNamed):
    """What a stopped session is to become; what is left out stays as it is."""

    project_id = row_id("the project")
    start_time = moment("When it began")
    end_time = moment("When it ended")
    description = long_text("work")
    tags = phrase(500, "design, review")
    billable = Flag()


class NewEntry(WireSchema):
    """Hours worked on a day, today (UTC) and at the project's rate unless told otherwise."""

    project_id = row_id("the project", required=True)
    hours = hours(required=True)
    date = day("When")
    hourly_rate = amount(MOST_RATE, "100.00", least="0", allow_none=True)
    billable = Flag()
    description = long_text("work")


class EntryNamed(WireSchema):
    """Hours by their id."""

    entry_id = row_id("the entry", required=True)


class EntryChanges(EntryNamed):
    """What told hours are to become; what is left out stays as it is."""

    project_id = row_id("the project")
    hours = hours()
    date = day("When")
    hourly_rate = amount(MOST_RATE, "100.00", least="0")
    billable = Flag()
    description = long_text("work")


class EntryList(WireSchema):
    """Which told hours are listed; all unless told otherwise."""

    since = day("The first day", data_key="from")
    until = day("The last day", data_key="to")
    project_id = row_id("the only project")
    limit = limit()
    offset = offset()


class NewActivity(WireSchema):
    """What was done, in the session that is open unless told otherwise."""

    activity_type = required_phrase(50, "application")
    session_id = row_id("the session")
    application_name = phrase(200, "Editor")
    window_title = phrase(500, "main.py")
    url = phrase(2000, "https://example.com/")
    timestamp = moment("When")
    duration_seconds = WholeNumber(ge=0, le=MOST_SECONDS, metadata={"example": 300})
    productivity_category = Choice(*PRODUCTIVITY)


class ActivityList(WireSchema):
    """Which activities are listed; all unless told otherwise."""

    session_id = row_id("the session")
    since = day("The first day", data_key="from")
    until = day("The last day", data_key="to")
    zone = zone()
    limit = limit()
    offset = offset()


class NewBreak(WireSchema):
    """A forgotten break of a stopped session."""

    session_id = row_id("the session", required=True)
    start_time = moment("When it began", required=True)
    end_time = moment("When it ended", required=True)
    break_type = phrase(50, "manual", allow_none=False, min_length=1)
    reason = phrase(500, "lunch")


class BreakList(WireSchema):
    """Which breaks are listed; all unless told otherwise."""

    session_id = row_id("the session")
    limit = limit()
    offset = offset()


class NewDayGoal(WireSchema):
    """What a day, today unless told otherwise, is to bring: 8 hours and 1000.00 unless told otherwise."""

    date = day("Which day")
    zone = zone()
    target_hours = ExactNumber(least="0", most="24", metadata={"example": "8.00"})
    target_billable_hours = ExactNumber(least="0", most="24", allow_none=True, metadata={"example": "6.00"})
    target_revenue = amount(MOST_MONEY, "1000.00", least="0")
    notes = long_text("Finish the report")


class DayGoalList(WireSchema):
    """Which goals are listed: the latest 30 unless told otherwise."""

    zone = zone()
    limit = WholeNumber(ge=1, le=100, load_default=30, metadata={"example": 30})
    offset = offset()
