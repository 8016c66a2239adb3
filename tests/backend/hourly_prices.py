"""A server's prices of two pools, rolled up at will, and whether histories are told what all of them make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from flask import Flask

from backend import create_app
from backend.core.database import run_and_commit
from backend.core.session import Session
from backend.core.time_buckets import bucket_start
from backend.spot.jobs.price_rollup import roll_up_prices
from backend.spot.models import db
from backend.spot.services.average_prices import DIGITS, SPOT, Period, averages_of_pools
from tests.backend.conftest import server_runner, settings_for
from tests.backend.looking_back import now
from tests.support.mariadb import MariaDB
from tests.support.postgres import PostgreSQL

POOLS = ("t3.medium.us-east-1a", "t3.medium.us-east-1b")
PERIODS = [Period(days, hourly) for days in (1, 7, 30, 90) for hourly in (True, False)]


@dataclass
class ByHand:
    """A run of a job that nobody else knows of."""

    session: Session
    now: datetime = field(default_factory=now)

    @property
    def due_at(self) -> datetime:
        return self.now

    def transact(self, work: Callable[[Session], Any]) -> Any:
        return run_and_commit(self.session, lambda: work(self.session))

    def progress(self, done: int, total: int | None = None) -> None:
        pass


@dataclass
class Prices:
    """A database with two pools, on a server, and what is done to their prices."""

    app: Flask
    url: str
    sql: Callable[..., list[dict[str, Any]]]
    connect: Callable[[], Any]
    product: str

    def add_pool(self, pool_id: str) -> None:
        place = ("t3.medium", "us-east-1", pool_id.rpartition(".")[2])
        self.sql("INSERT INTO spot_pools (id, instance_type, region, az) VALUES (?, ?, ?, ?)", pool_id, *place)

    def add(self, *prices: tuple[str, datetime | None, int]) -> None:
        """Insert prices: pool, time, millionths of a dollar."""
        rows = ", ".join(f"('{pool}', {millionths} / 1000000, {_quoted(at)})" for pool, at, millionths in prices)
        self.sql(f"INSERT INTO spot_price_snapshots (pool_id, price, captured_at) VALUES {rows}")

    def roll_up(self, delay: int = 0, passes: int = 1) -> list[dict[str, int]]:
        with self.app.app_context():
            return [roll_up_prices(delay, ByHand(db.session())) for _ in range(passes)]

    def assert_exact(self, known: int | None = None, periods: Sequence[Period] = PERIODS) -> None:
        """What histories would be told is what all prices make, whatever they knew of the rollup before."""
        with self.app.app_context():
            session = db.session()
            known = self.rolled_up_to() if known is None else known
            for period in periods:
                question = averages_of_pools(session, POOLS, known, period)
                told, true = session.execute_together(
                    (question.query, question.wanted), (SPOT[period.seconds], question.wanted)
                )
                assert shown(question.averages(told)) == all_averages(true, period), period
            session.rollback()

    def let_pass(self, hours: int) -> None:
        """Make all prices older."""
        self.sql(f"UPDATE spot_price_snapshots SET captured_at = captured_at - INTERVAL '{hours}' HOUR")
        for change in (-(10**6), 10**6 - hours):  # by way of hours that nobody has
            self.sql(f"UPDATE spot_price_hours SET hour = hour + {change}")

    def rolled_up_to(self) -> int:
        (row,) = self.sql("SELECT rolled_up_to FROM spot_price_rollup")
        return int(row["rolled_up_to"])

    def counted(self) -> int:
        (row,) = self.sql("SELECT COALESCE(SUM(prices), 0) AS n FROM spot_price_hours")
        return int(row["n"])

    def empty(self) -> None:
        for statement in (
            "DELETE FROM spot_pools",
            "DELETE FROM spot_price_snapshots",
            "UPDATE spot_price_rollup SET rolled_up_to = 0, complete_to = 0, noted_at = NULL",
        ):
            self.sql(statement)
        for pool_id in POOLS:
            self.add_pool(pool_id)


def _quoted(at: datetime | None) -> str:
    return "NULL" if at is None else f"'{at:%Y-%m-%d %H:%M:%S}'"


def shown(averages: dict[datetime, dict[str, float]]) -> list[tuple[datetime, str, float]]:
    """In the order in which callers see them."""
    return [(start, pool_id, price) for start, prices in averages.items() for pool_id, price in prices.items()]


def all_averages(rows: Any, period: Period) -> list[tuple[datetime, str, float]]:
    """What the server makes of all prices of a bucket, rounded as MySQL rounds it."""
    digits = Decimal(1).scaleb(-DIGITS)
    return [
        (bucket_start(bucket, period.seconds), pool_id, float(Decimal(price).quantize(digits, ROUND_HALF_UP)))
        for bucket, price, pool_id in rows
    ]


def prices_on(server: MariaDB | PostgreSQL, url: str) -> Prices:
    """Those of the database at `url`, which is brought up to date, without any prices."""
    product = "mariadb" if isinstance(server, MariaDB) else "postgres"
    app = create_app("spot", settings_for(url))
    prices = Prices(app, url, server_runner(server, url), lambda: server.connect(url.rpartition("/")[2]), product)
    prices.empty()
    return prices
