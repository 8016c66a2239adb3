"""When a job is due: at fixed steps of UTC, so that every process means the same slots."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.triggers.interval import IntervalTrigger

EPOCH = datetime(1970, 1, 1)
HOUR, DAY = 3600, 86400


@dataclass(frozen=True)
class Schedule:
    """A slot every `period` seconds, the first one `offset` seconds after an epoch at midnight UTC."""

    period: int
    offset: int = 0

    def latest(self, now: datetime) -> datetime:
        """The slot at or before `now` (naive UTC)."""
        start = EPOCH + timedelta(seconds=self.offset)
        return now - (now - start) % timedelta(seconds=self.period)

    def next(self, now: datetime) -> datetime:
        """The first slot after `now` (naive UTC)."""
        return self.latest(now) + timedelta(seconds=self.period)

    def trigger(self) -> IntervalTrigger:
        """The same slots for APScheduler."""
        start = (EPOCH + timedelta(seconds=self.offset)).replace(tzinfo=UTC)
        return IntervalTrigger(seconds=self.period, start_date=start, timezone=UTC)

    def __str__(self) -> str:
        if self.period == DAY:
            return f"daily at {self.offset // HOUR:02d}:{self.offset % HOUR // 60:02d} UTC"
        if self.period == HOUR:
            return f"hourly at :{self.offset // 60:02d}"
        return f"every {self.period // 60} min" if self.period % 60 == 0 else f"every {self.period} s"


def every(seconds: int) -> Schedule:
    """Every so many seconds, at the full steps."""
    return Schedule(seconds)


def hourly(minute: int = 0) -> Schedule:
    """Once an hour, at this minute."""
    return Schedule(HOUR, minute * 60)


def daily(hour: int, minute: int = 0) -> Schedule:
    """Once a day, at this time in UTC."""
    return Schedule(DAY, hour * HOUR + minute * 60)
