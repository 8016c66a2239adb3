"""Adding spot prices up by the hour, each exactly once, while both sides go on inserting.

Prices are rolled up in the order of their ids, whatever time they are of: `rolled_up_to` moves on in the transaction
that adds them. But ids are given out before they are committed, so below the largest one that can be seen others may
still appear. An id is safe when whoever was at work as it was the largest one is done:

- it was the largest a while ago (`delay`), long enough for any statement that had got its ids to write them;
- on PostgreSQL, every transaction that had begun by then is over;
- on MySQL and MariaDB, nobody has locked a row up to it: whoever inserts one keeps it locked until it is committed.

Should ids start over, as TRUNCATE makes them, everything is added up anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import BigInteger, ColumnElement, Table, and_, delete, func, null, select, update

from backend.core.database_clock import DatabaseNow
from backend.core.database_errors import StatementRefusedError
from backend.core.rows import insert_row_unless_present, insert_rows_unless_present
from backend.core.session import Session
from backend.core.time_buckets import HOUR, BucketNumber
from backend.spot.models import SpotPool, SpotPriceHour, SpotPriceRollup, SpotPriceSnapshot
from backend.spot.services.price_hours import first_hour_kept, start_of

#: Complaints of MariaDB and MySQL that somebody else has locked a row.
LOCKED = frozenset((1205, 3572))
THE_ONE = 1

ROLLUP = cast(Table, SpotPriceRollup.__table__)
HOURS = cast(Table, SpotPriceHour.__table__)
PRICES = cast(Table, SpotPriceSnapshot.__table__)
BUCKET = BucketNumber(PRICES.c.captured_at, HOUR)
OLDEST_AT_WORK = func.txid_snapshot_xmin(func.txid_current_snapshot(), type_=BigInteger())
NEXT_TO_BEGIN = func.txid_snapshot_xmax(func.txid_current_snapshot(), type_=BigInteger())


@dataclass(frozen=True)
class Step:
    """What a step did: it added `prices`, or nothing because some `missing` hours must be opened first."""

    prices: int = 0
    missing: Sequence[tuple[str, int]] = ()

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing more to be done now."""
        return not self.prices and not self.missing


def look_around(session: Session, delay: int) -> None:
    """Note which id is the largest now; the one noted at least `delay` seconds ago may be safe by now."""
    rollup = _locked(session)
    on_postgresql = session.get_bind().dialect.name == "postgresql"
    # One statement, so on PostgreSQL one look at what is committed: whoever can't be seen has not ended.
    newest, horizon, oldest, now = session.execute(
        select(
            func.coalesce(select(func.max(PRICES.c.id)).scalar_subquery(), 0),
            NEXT_TO_BEGIN if on_postgresql else null(),
            OLDEST_AT_WORK if on_postgresql else null(),
            DatabaseNow(),
        )
    ).one()
    note = {"noted_id": newest, "noted_at": now, "noted_horizon": horizon}
    if newest < rollup.complete_to:
        _set(session, **note, rolled_up_to=0, complete_to=0)
    elif rollup.noted_at is None or newest < rollup.noted_id:
        _set(session, **note)
    elif rollup.noted_at <= now - timedelta(seconds=delay) and (
        rollup.noted_horizon is None or oldest >= rollup.noted_horizon
    ):
        _set(session, **note, complete_to=rollup.noted_id)


def add_prices(session: Session, limit: int) -> Step:
    """Add the next prices that are safe, `limit` at most, to their hours, which must have been opened."""
    rollup = _locked(session)
    last, count = _next(session, rollup, limit)
    if not count or not _is_committed(session, rollup.rolled_up_to, last):
        return Step()
    first_hour = first_hour_kept(_now(session))
    new = and_(PRICES.c.id > rollup.rolled_up_to, PRICES.c.id <= last, PRICES.c.captured_at >= start_of(first_hour))
    if missing := _missing(session, new):
        return Step(missing=missing)
    total, prices = func.sum(PRICES.c.price).label("total"), func.count().label("prices")
    sums = (
        select(PRICES.c.pool_id, BUCKET.label("hour"), total, prices)
        .where(new)
        .group_by(PRICES.c.pool_id, BUCKET)
        .subquery()
    )
    session.connection().execute(
        update(HOURS)
        .where(HOURS.c.pool_id == sums.c.pool_id, HOURS.c.hour == sums.c.hour)
        .values(total=HOURS.c.total + sums.c.total, prices=HOURS.c.prices + sums.c.prices)
    )
    _set(session, rolled_up_to=last)
    return Step(prices=count)


def open_hours(session: Session, pool_id: str, hours: Sequence[int]) -> None:
    """Make hours of one pool that nothing was added to yet; they don't count so far.

    A row that refers to a pool locks it, and reports lock pools in an order of their own: whoever holds no more than
    one at a time is part of no deadlock. Raises StatementRefusedError where the pool is gone.
    """
    rows = [{"pool_id": pool_id, "hour": hour, "total": 0, "prices": 0} for hour in hours]
    insert_rows_unless_present(session, SpotPriceHour, rows)


def forget_hour(session: Session) -> int:
    """Delete the oldest hour of all pools if nobody needs it any more; returns how many rows that were."""
    rollup = _locked(session)
    oldest = session.execute(select(func.min(HOURS.c.hour))).scalar()
    if oldest is None or (rollup.rolled_up_to > 0 and oldest >= first_hour_kept(_now(session))):
        return 0
    return session.connection().execute(delete(HOURS).where(HOURS.c.hour == oldest)).rowcount


def start_over(session: Session) -> None:
    """Let no hour count any more, so that the job adds all prices up anew."""
    _locked(session)
    _set(session, rolled_up_to=0, complete_to=0, noted_at=None)


def _locked(session: Session) -> Any:
    """How far everything is; nobody else changes it before this transaction ends."""
    query = select(ROLLUP).where(ROLLUP.c.id == THE_ONE).with_for_update()
    found = session.execute(query).first()
    if found is None:
        insert_row_unless_present(session, SpotPriceRollup, id=THE_ONE, rolled_up_to=0, complete_to=0)
        session.flush()
        found = session.execute(query).one()
    return found


def _set(session: Session, **values: Any) -> None:
    session.connection().execute(update(ROLLUP).where(ROLLUP.c.id == THE_ONE).values(values))


def _now(session: Session) -> Any:
    return session.execute(select(DatabaseNow())).scalar_one()


def _next(session: Session, rollup: Any, limit: int) -> Any:
    """The last id of the next prices, and how many they are."""
    number = PRICES.c.id
    some = (
        select(number)
        .where(number > rollup.rolled_up_to, number <= rollup.complete_to)
        .order_by(number)
        .limit(limit)
        .subquery()
    )
    return session.execute(select(func.max(some.c.id), func.count())).one()


def _is_committed(session: Session, after: int, last: int) -> bool:
    """Whether nobody is at work on a price of these ids. PostgreSQL was asked when the ids were found to be safe."""
    if session.get_bind().dialect.name != "mysql":
        return True
    number = PRICES.c.id
    query = select(func.count()).where(number > after, number <= last)
    # By any other index, it would come upon rows of larger ids too.
    query = query.select_from(PRICES).with_hint(PRICES, "FORCE INDEX (PRIMARY)", "mysql")
    try:
        session.execute(query.with_for_update(nowait=True))
    except StatementRefusedError as error:
        if error.errno in LOCKED:
            return False
        raise
    return True


def _missing(session: Session, new: ColumnElement[bool]) -> Sequence[Any]:
    """The hours of pools that prices are of and that there are not. Adopted databases may have prices of no pool."""
    hour = and_(HOURS.c.pool_id == PRICES.c.pool_id, HOURS.c.hour == BUCKET)
    query = (
        select(PRICES.c.pool_id, BUCKET.label("hour"))
        .join(SpotPool, SpotPool.id == PRICES.c.pool_id)
        .outerjoin(HOURS, hour)
        .where(new, HOURS.c.hour.is_(None))
        .distinct()
    )
    return session.execute(query.order_by(PRICES.c.pool_id, BUCKET)).all()
