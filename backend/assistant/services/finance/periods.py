"""Stretches of days: what reports are about, and what budgets are for."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from backend.assistant.services.refusals import unfit

MONTHS = {"month": 1, "quarter": 3, "year": 12}
MOST_DAYS = 3660


@dataclass(frozen=True)
class Period:
    """From one day to another, both included."""

    since: date
    until: date

    @property
    def shown(self) -> dict[str, str]:
        """As it is answered."""
        return {"from": self.since.isoformat(), "to": self.until.isoformat()}


def asked_for(today: date, since: date | None, until: date | None) -> Period:
    """The period of a report: without an end up to today, without a beginning from the first of the end's month.

    Refuses with 422 what ends before it begins, or is longer than ten years.
    """
    until = until or max(today, since or today)
    period = Period(since or until.replace(day=1), until)
    if period.since > period.until:
        raise unfit("from", "a period does not begin after its end", period.since.isoformat())
    if (period.until - period.since).days > MOST_DAYS:
        raise unfit("from", f"a period has at most {MOST_DAYS} days", period.since.isoformat())
    return period


def touching(kind: str, period: Period) -> Iterator[Period]:
    """The months, quarters or years that share a day with `period`, in their order."""
    first = first_day(kind, period.since)
    while first <= period.until:
        last_month = first.month + MONTHS[kind] - 1
        last = date(first.year, last_month, monthrange(first.year, last_month)[1])
        yield Period(first, last)
        first = last + timedelta(days=1)


def first_day(kind: str, day: date) -> date:
    """The first day of the month, quarter or year that `day` is in."""
    months = MONTHS[kind]
    return date(day.year, (day.month - 1) // months * months + 1, 1)
