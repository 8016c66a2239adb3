"""Which prices are rolled up into hours, and for how long the hours tell all about them.

Whoever deletes prices does not ask the hours: the old side's job, its database's event and our own job delete those
that are older than KEPT. So hours are relied on only while they are younger, with a margin for the clocks of several
machines. A pool that is deleted takes its hours with it.

SQLite has no hours: it gives the ids of deleted rows to new ones, and its prices are floating-point numbers, whose sum
depends on their order. Such databases are small.
"""

from datetime import datetime, timedelta

from backend.core.session import Session
from backend.core.time_buckets import FIRST, HOUR, bucket_start

#: How long prices are kept.
KEPT = timedelta(days=30)
MARGIN = timedelta(hours=1)


def rolls_up(session: Session) -> bool:
    """Whether prices are rolled up on this database."""
    return session.get_bind().dialect.name != "sqlite"


def hour_of(time: datetime) -> int:
    """The number of the hour in which `time` lies, from the beginning of 1970."""
    return (time - FIRST) // timedelta(seconds=HOUR)


def start_of(hour: int) -> datetime:
    """When an hour begins."""
    return bucket_start(hour, HOUR)


def first_reliable_hour(since: datetime, now: datetime) -> int:
    """The first hour that lies as a whole after `since` and is young enough to be relied on at `now`."""
    start = max(since, now - KEPT + MARGIN)
    return -((FIRST - start) // timedelta(seconds=HOUR))


def first_hour_kept(now: datetime) -> int:
    """The first hour that anybody may still rely on at `now` or later."""
    return hour_of(now - KEPT)
