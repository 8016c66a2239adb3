"""Prices added up by the hour while others work: whatever has been rolled up, histories are what all prices make."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.core.database import run_and_commit
from backend.spot.jobs import price_rollup
from backend.spot.models import db
from backend.spot.services.upkeep.price_rollup import start_over
from tests.backend.hourly_prices import POOLS, Prices, prices_on
from tests.backend.looking_back import now
from tests.support.cli import ROOT
from tests.support.jobs import run_job
from tests.support.waiting import eventually

PATIENCE = 30.0


@pytest.fixture(scope="module", params=["mariadb", "postgres"])
def database_of_prices(request: pytest.FixtureRequest) -> Prices:
    server = request.getfixturevalue(request.param)
    return prices_on(server, server.create_database())


@pytest.fixture
def prices(database_of_prices: Prices) -> Prices:
    """Prices on each server: none so far."""
    database_of_prices.empty()
    return database_of_prices


# Times near those at which something ends: a period, an hour, what is kept.
TIMES = st.builds(
    lambda days, seconds: timedelta(days=days, seconds=seconds),
    st.sampled_from((0, 1, 7, 30, 90)),
    st.one_of(st.integers(-7200, 7200), st.sampled_from((-1, 0, 1, 3599, 3600))),
)
OFTEN = st.just(timedelta(hours=5))
PRICE = st.tuples(
    st.sampled_from(POOLS),
    st.one_of(st.none(), OFTEN, OFTEN, TIMES, TIMES),
    st.sampled_from((1, 2, 12345, 9999999999, 12499)),
)
STEPS = st.one_of(
    st.tuples(st.just("add"), st.lists(PRICE, min_size=1, max_size=12)),
    st.tuples(st.just("add"), st.lists(PRICE, min_size=1, max_size=3)),
    st.tuples(st.just("roll up"), st.integers(1, 3)),
    st.tuples(st.just("clean up"), st.sampled_from((30, 90))),
    st.tuples(st.just("delete"), st.sampled_from(POOLS)),
    st.tuples(st.just("wait"), st.sampled_from((1, 24, 29 * 24, 30 * 24))),
    st.tuples(st.just("start over"), st.none()),
)


@given(steps=st.lists(STEPS, min_size=3, max_size=12), known=st.sampled_from((None, 0, 1, 10**6)))
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_histories_are_what_all_prices_make(prices: Prices, steps: list[tuple[str, Any]], known: int | None) -> None:
    prices.empty()
    today = now()
    for what, how in steps:
        match what:
            case "add":
                prices.add(*((pool, None if age is None else today - age, price) for pool, age, price in how))
            case "roll up":
                prices.roll_up(passes=how)
            case "clean up":
                prices.sql("DELETE FROM spot_price_snapshots WHERE captured_at < ?", today - timedelta(days=how))
            case "delete":
                prices.sql("DELETE FROM spot_pools WHERE id = ?", how)
                prices.add_pool(how)
            case "wait":
                prices.let_pass(hours=how)
            case _:
                with prices.app.app_context():
                    run_and_commit(db.session(), lambda: start_over(db.session()))
        prices.assert_exact(known)


def test_a_price_is_rolled_up_once_it_was_the_newest_a_while_ago(prices: Prices) -> None:
    prices.add((POOLS[0], now(), 10), (POOLS[1], now(), 20))
    assert prices.roll_up(600, passes=3) == [{"prices": 0, "forgotten_hours": 0}] * 3
    prices.add((POOLS[0], now() - timedelta(days=3), 30))
    prices.sql("UPDATE spot_price_rollup SET noted_at = noted_at - INTERVAL '601' SECOND")
    assert prices.roll_up(600)[0]["prices"] == 2
    assert prices.roll_up(600)[0]["prices"] == 0
    assert prices.roll_up(0)[0]["prices"] == 1
    assert prices.counted() == 3
    prices.assert_exact()


def test_averages_have_the_digits_they_would_have(prices: Prices) -> None:
    """Also where the eleventh digit is a 5: of 32 prices the average is a multiple of half the last digit shown."""
    hour = now().replace(minute=0, second=0) - timedelta(hours=5)
    prices.add(*((POOLS[0], hour, 10000 + (number == 0)) for number in range(32)))
    prices.add(*((POOLS[1], hour, 1) for _ in range(3)), (POOLS[1], hour, 0))
    prices.roll_up(passes=2)
    prices.add((POOLS[1], hour, 5), (POOLS[1], hour, 2))
    prices.assert_exact()


def test_what_is_committed_late_under_a_smaller_id_is_not_lost(prices: Prices) -> None:
    late = prices.connect()
    insertion = "INSERT INTO spot_price_snapshots (pool_id, price) VALUES (%s, %s)"
    try:
        late.autocommit(False) if prices.product == "mariadb" else setattr(late, "autocommit", False)
        prices.add((POOLS[0], now(), 10))
        with late.cursor() as cursor:
            cursor.execute(insertion, (POOLS[0], 0.02))
        prices.add((POOLS[1], now(), 30))
        assert sum(counts["prices"] for counts in prices.roll_up(passes=3)) < 3
        prices.assert_exact()
        late.commit()
        prices.assert_exact()
    finally:
        late.close()
    prices.roll_up(passes=2)
    assert prices.counted() == 3
    prices.assert_exact()


def test_two_passes_at_once_count_nothing_twice(prices: Prices, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(price_rollup, "BATCH", 7)
    hours = [now() - timedelta(hours=number % 50) for number in range(300)]
    prices.add(*((POOLS[number % 2], at, number) for number, at in enumerate(hours)))
    prices.roll_up()
    both = [threading.Thread(target=prices.roll_up, kwargs={"passes": 2}) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(PATIENCE)
    assert prices.counted() == 300
    prices.assert_exact()


def test_a_pass_that_is_killed_in_the_middle_counts_nothing_twice(prices: Prices) -> None:
    prices.add(*((POOLS[number % 2], now(), number) for number in range(20)))
    prices.roll_up(passes=2)
    prices.add(*((POOLS[number % 2], now(), number) for number in range(20)))
    prices.roll_up()
    before = prices.rolled_up_to()
    with held_before_it_moves_on(prices):
        process = run_in_a_process(prices)
        eventually(lambda: prices.sql(HELD[prices.product]))
        process.send_signal(signal.SIGKILL)
        assert process.wait(PATIENCE) == -signal.SIGKILL
    assert (prices.rolled_up_to(), prices.counted()) == (before, 20)
    prices.assert_exact()
    prices.roll_up(passes=2)
    assert prices.counted() == 40
    prices.assert_exact()


HELD = {
    "mariadb": "SELECT 1 FROM information_schema.processlist WHERE state = 'User lock'",
    "postgres": "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory'",
}


@contextmanager
def held_before_it_moves_on(prices: Prices) -> Iterator[None]:
    """Whoever has added prices waits before it can say up to where."""
    if prices.product == "mariadb":
        prices.sql(
            "CREATE TRIGGER hold BEFORE UPDATE ON spot_price_rollup FOR EACH ROW"
            " SET @held = IF(NEW.rolled_up_to <> OLD.rolled_up_to, GET_LOCK('hold', 60), 0)"
        )
    else:
        prices.sql(
            "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END'"
        )
        prices.sql(
            "CREATE TRIGGER hold BEFORE UPDATE ON spot_price_rollup FOR EACH ROW"
            " WHEN (NEW.rolled_up_to <> OLD.rolled_up_to) EXECUTE FUNCTION hold()"
        )
    holder = prices.connect()
    try:
        with holder.cursor() as cursor:
            cursor.execute(
                {"mariadb": "SELECT GET_LOCK('hold', 1)", "postgres": "SELECT pg_advisory_lock(1)"}[prices.product]
            )
        yield
    finally:
        holder.close()
        prices.sql("DROP TRIGGER hold" + ("" if prices.product == "mariadb" else " ON spot_price_rollup"))


def run_in_a_process(prices: Prices) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "SPOT_DATABASE_URL": prices.url, "PRICE_ROLLUP_DELAY": "0"}
    command = [sys.executable, "-m", "flask", "--app", "backend", "jobs", "run", "price-rollup"]
    return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_nobody_waits_for_a_pass_that_reads_what_somebody_deletes(prices: Prices) -> None:
    prices.add((POOLS[0], now(), 10), (POOLS[0], now(), 20))
    prices.roll_up()
    deleting = prices.connect()
    try:
        with deleting.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("DELETE FROM spot_price_snapshots WHERE price > 0.000015")
        prices.roll_up()
    finally:
        deleting.close()
    prices.roll_up(passes=2)
    assert prices.counted() == 2
    prices.assert_exact()


def test_when_ids_start_over_all_is_added_up_anew(prices: Prices) -> None:
    prices.add(*((POOLS[0], now(), number) for number in range(10)))
    prices.roll_up(passes=2)
    restart = " RESTART IDENTITY" if prices.product == "postgres" else ""
    prices.sql(f"TRUNCATE TABLE spot_price_snapshots{restart}")
    prices.add((POOLS[1], now(), 40))
    prices.roll_up(passes=2)
    assert prices.counted() == 1
    prices.assert_exact()


def test_hours_go_when_prices_do(prices: Prices) -> None:
    prices.add(*((POOLS[0], now() - timedelta(days=days), 10) for days in (0, 29, 31)))
    prices.roll_up(passes=2)
    assert prices.counted() == 2
    kept = prices.sql("SELECT hour FROM spot_price_hours ORDER BY hour")
    prices.sql("INSERT INTO spot_price_hours VALUES (?, ?, 0.00001, 1)", POOLS[0], kept[0]["hour"] - 48)
    assert prices.roll_up() == [{"prices": 0, "forgotten_hours": 1}]
    assert run_job(prices.app, "data-cleanup").counts == {"spot_price_snapshots": 1}
    assert prices.sql("SELECT hour FROM spot_price_hours ORDER BY hour") == kept
    prices.assert_exact()


def test_operators_let_the_job_start_over(prices: Prices) -> None:
    prices.add((POOLS[0], now(), 10), (POOLS[0], now(), 20))
    prices.roll_up(passes=2)
    prices.sql("UPDATE spot_price_snapshots SET price = 1")
    done = prices.app.test_cli_runner().invoke(args=["spot", "prices", "start-over"])
    assert (done.exit_code, "price-rollup adds all prices up anew" in done.output) == (0, True)
    prices.assert_exact()
    assert prices.roll_up(passes=2)[1]["prices"] == 2
    prices.assert_exact()
