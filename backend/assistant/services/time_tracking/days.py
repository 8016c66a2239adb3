"""Days in the time zone of whoever asks, as stretches of UTC."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from backend.assistant.services.refusals import unfit

DEFAULT_DAYS = 7
MOST_DAYS = 3660

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Days:
    """From one day to another, both included, in a time zone; moments are UTC, naive."""

    since: date
    until: date
    zone: ZoneInfo

    @cached_property
    def begin(self) -> datetime:
        """The first moment."""
        return midnight(self.since, self.zone)

    @cached_property
    def end(self) -> datetime:
        """The first moment that is past."""
        return midnight(self.until + timedelta(days=1), self.zone)

    @property
    def shown(self) -> dict[str, str]:
        """As it is answered."""
        return {"from": self.since.isoformat(), "to": self.until.isoformat(), "timezone": self.zone.key}

    def split(self, span: Span) -> Iterator[tuple[date, datetime, datetime]]:
        """The pieces of `span` that lie in these days, each with its day: no moment is in two of them."""
        start, stop = max(span[0], self.begin), min(span[1], self.end)
        while start < stop:
            day = local_day(start, self.zone)
            next_day = min(midnight(day + timedelta(days=1), self.zone), stop)
            yield day, start, next_day
            start = next_day


def asked_for(at: datetime, zone: ZoneInfo, since: date | None, until: date | None) -> Days:
    """The days of a report, the last seven unless told otherwise. Refuses with 422 what ends before it begins."""
    today = local_day(at, zone)
    until = until or max(today, since or today)
    since = since or until - timedelta(days=DEFAULT_DAYS - 1)
    if since > until:
        raise unfit("from", "a period does not begin after its end", since.isoformat())
    if (until - since).days > MOST_DAYS:
        raise unfit("from", f"a period has at most {MOST_DAYS} days", since.isoformat())
    return Days(since, until, zone)


@lru_cache(MOST_DAYS)
def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins, in UTC; where the clocks skip midnight, when they do."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC).replace(tzinfo=None)


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """The day that `moment`, in UTC, is in."""
    return moment.replace(tzinfo=UTC).astimezone(zone).date()
