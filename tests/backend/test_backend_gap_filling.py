"""Prices that nobody measured."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.scheduler.runner import Finished
from backend.spot.services.pricing_pipeline.buckets import BUCKET, bucket_start
from backend.spot.services.pricing_pipeline.gaps import LONG, SHORT, Filled, Prices, fill_gaps
from tests.backend.conftest import Spot
from tests.support.jobs import run_job

START = datetime(2026, 11, 21)
MICRO = 1e-6

#: Measured prices of one pool, in buckets counted from START.
MEASURED = st.dictionaries(
    st.integers(0, 80), st.integers(1, 5_000_000).map(lambda millionths: millionths / 1e6), max_size=12
)


def at(bucket: int) -> datetime:
    return START + bucket * BUCKET


def prices(measured: dict[int, float]) -> Prices:
    return {at(bucket): price for bucket, price in measured.items()}


def fill(measured: dict[int, float], *peers: dict[int, float], last: int = 80) -> Filled:
    known = prices(measured)
    return fill_gaps(known, known, [prices(peer) for peer in peers], START, at(last))


class TestRules:
    def test_one_missing_bucket_is_on_the_line(self) -> None:
        (filling,) = fill({3: 0.010, 5: 0.020}, last=5).fillings
        assert (filling.at, filling.price, filling.gap_type, filling.method) == (at(4), 0.015, "short", "linear")
        assert (filling.before, filling.after, filling.confidence, filling.gap_minutes) == (at(3), at(5), 0.85, 10)

    def test_a_medium_gap_is_the_average_of_what_is_nearby(self) -> None:
        first, second = fill({0: 0.010, 3: 0.040}, last=3).fillings
        assert (first.gap_type, first.method, first.confidence) == ("medium", "weighted-average", 0.75)
        near, far = 1 / 301, 1 / 601
        assert first.price == round((near * 0.010 + far * 0.040) / (near + far), 6)
        assert second.price == round((far * 0.010 + near * 0.040) / (near + far), 6)

    def test_only_the_six_nearest_within_the_hour_count(self) -> None:
        around = dict.fromkeys(range(20, 26), 1.0)
        (nearest, *_) = fill({**around, 28: 1.0, 7: 50.0, 50: 50.0}, last=28).fillings[-2:]
        assert nearest.price == 1.0

    def test_a_long_gap_moves_as_its_peers_moved(self) -> None:
        fillings = fill({0: 0.010, 10: 0.012}, {0: 1.0, 5: 1.5}, {0: 1.0, 5: 2.0}, {0: 1.0, 5: 9.0}, {5: 1.0}, last=10)
        found = {filling.at: filling for filling in fillings.fillings}
        assert (found[at(5)].price, found[at(5)].method, found[at(5)].gap_type) == (0.02, "cross-pool", "long")
        assert (found[at(6)].price, found[at(6)].method) == (0.02, "cross-pool"), "a bucket beside counts too"
        assert (found[at(3)].price, found[at(3)].method) == (0.0106, "linear"), "no peer tells"
        assert {filling.confidence for filling in fillings.fillings} == {0.7}

    def test_a_gap_of_two_hours_is_the_longest(self) -> None:
        assert len(fill({0: 1.0, LONG: 1.0}, last=LONG).fillings) == LONG - 1
        assert fill({0: 1.0, LONG + 1: 1.0}, last=LONG + 1).fillings == ()

    def test_nothing_is_known_of_a_pool_without_prices(self) -> None:
        assert fill({}) == Filled(0, ())


class TestProperties:
    @given(MEASURED, MEASURED)
    def test_nothing_is_made_up_outside_of_what_was_measured(
        self, measured: dict[int, float], peer: dict[int, float]
    ) -> None:
        for filling in fill(measured, peer).fillings:
            assert at(min(measured)) < filling.at < at(max(measured))
            assert filling.before < filling.at < filling.after
            assert (filling.after - filling.before) / BUCKET <= LONG
            assert filling.at not in prices(measured)

    @given(MEASURED)
    def test_without_peers_prices_stay_between_those_measured(self, measured: dict[int, float]) -> None:
        known = prices(measured)
        for filling in fill(measured).fillings:
            within = [known[filling.before], known[filling.after]]
            if filling.method == "weighted-average":
                within = list(known.values())
            assert min(within) - MICRO <= filling.price <= max(within) + MICRO

    @given(st.integers(1, SHORT - 1), st.floats(0.001, 5), st.floats(0.001, 5))
    def test_the_line_is_monotone(self, missing: int, before: float, after: float) -> None:
        line = [filling.price for filling in fill({0: before, missing + 1: after}, last=missing + 1).fillings]
        steps = [round(before, 6), *line, round(after, 6)]
        assert steps == sorted(steps, reverse=before > after)

    @given(st.integers(6, LONG - 1), st.floats(0.001, 5), st.floats(0.001, 5))
    def test_the_line_through_a_long_gap_is_monotone(self, missing: int, before: float, after: float) -> None:
        fillings = fill({0: before, missing + 1: after}, last=missing + 1).fillings
        assert {filling.method for filling in fillings} == {"linear"}
        steps = [round(before, 6), *(filling.price for filling in fillings), round(after, 6)]
        assert steps == sorted(steps, reverse=before > after)

    @given(MEASURED, MEASURED)
    def test_filling_again_fills_nothing(self, measured: dict[int, float], peer: dict[int, float]) -> None:
        known = prices(measured)
        first = fill_gaps(known, known, [prices(peer)], START, at(80))
        after = {*known, *(filling.at for filling in first.fillings)}
        second = fill_gaps(known, after, [prices(peer)], START, at(80))
        assert second.fillings == ()
        assert second.gaps_found == first.gaps_found - len(first.fillings)

    @given(MEASURED, st.integers(0, 80))
    def test_which_buckets_are_known_changes_no_price(self, measured: dict[int, float], known: int) -> None:
        everything = {filling.at: filling for filling in fill(measured).fillings}
        some = fill_gaps(prices(measured), {*prices(measured), at(known)}, [], START, at(80)).fillings
        assert all(everything[filling.at] == filling for filling in some)


NEWEST = bucket_start(datetime.now(UTC).replace(tzinfo=None)) - timedelta(hours=2)


def measure(spot: Spot, pool: str, prices: dict[int, float], *, source: str = "measured") -> None:
    """Store prices of a pool, in buckets counted back from NEWEST."""
    spot.sql("INSERT OR IGNORE INTO spot_pools (id, instance_type, region, az) VALUES (?, 't', 'r', ?)", pool, pool)
    for ago, price in prices.items():
        start = NEWEST - ago * BUCKET
        spot.sql(
            "INSERT INTO pricing_snapshots_clean (pool_id, instance_type, region, az, spot_price, ondemand_price,"
            " time_bucket, bucket_start, bucket_end, source_type, data_source)"
            " VALUES (?, 't', 'r', ?, ?, 0.05, ?, ?, ?, ?, ?)",
            *(pool, pool, price, str(start), str(start), str(start), "primary", source),
        )


def gap_filling(spot: Spot) -> Finished:
    return run_job(spot.app, "gap-filling")


def filled(spot: Spot, pool: str) -> list[dict[str, Any]]:
    query = (
        "SELECT * FROM pricing_snapshots_clean WHERE pool_id = ? AND data_source = 'interpolated' ORDER BY time_bucket"
    )
    return spot.sql(query, pool)


def test_gaps_are_filled_in_both_tables(bare: Spot) -> None:
    measure(bare, "pool-a", {2: 0.010, 0: 0.020})
    counts = gap_filling(bare).counts
    assert counts is not None
    assert (counts["gaps_filled"], counts["interpolations_created"], counts["errors"]) == (1, 1, 0)
    (row,) = filled(bare, "pool-a")
    start = str(NEWEST - BUCKET)
    assert (row["time_bucket"], row["bucket_start"], row["spot_price"], row["ondemand_price"]) == (
        start,
        start,
        0.015,
        0.05,
    )
    assert (row["source_type"], row["confidence_score"], row["interpolation_method"]) == (
        "interpolated",
        0.85,
        "linear",
    )
    assert row["savings_percent"] == 70
    noted = bare.one("SELECT * FROM pricing_snapshots_interpolated")
    before, after = bare.sql(
        "SELECT id FROM pricing_snapshots_clean WHERE data_source = 'measured' ORDER BY time_bucket"
    )
    assert (noted["interpolated_from_before"], noted["interpolated_from_after"]) == (before["id"], after["id"])
    assert (noted["spot_price"], noted["interpolated_price"]) == (0.015, 0.015)
    assert (noted["price_before"], noted["price_after"], noted["gap_duration_minutes"]) == (0.010, 0.020, 10)
    assert (noted["timestamp_before"], noted["timestamp_after"]) == (str(NEWEST - 2 * BUCKET), str(NEWEST))
    assert (noted["gap_type"], noted["interpolation_method"]) == ("short", "linear")
    log = bare.one("SELECT * FROM data_processing_jobs")
    assert (log["job_type"], log["status"], log["gaps_filled"]) == ("gap-filling", "completed", 1)


def test_a_second_run_fills_nothing_more(bare: Spot) -> None:
    measure(bare, "pool-a", {200: 0.010, 190: 0.020, 10: 0.011, 0: 0.012})
    measure(bare, "pool-b", {200: 1.0, 195: 2.0})
    assert gap_filling(bare).counts["gaps_filled"] == 22  # type: ignore[index]
    rows = filled(bare, "pool-a"), filled(bare, "pool-b")
    assert gap_filling(bare).counts["gaps_filled"] == 0  # type: ignore[index]
    assert (filled(bare, "pool-a"), filled(bare, "pool-b")) == rows


def test_guesses_are_no_ground_for_guesses(bare: Spot) -> None:
    measure(bare, "pool-a", {30: 0.010, 0: 0.020})
    measure(bare, "pool-a", {2: 5.0}, source="interpolated")
    assert gap_filling(bare).counts["gaps_filled"] == 0  # type: ignore[index]


def test_gaps_that_began_before_the_day_are_closed(bare: Spot) -> None:
    oldest = 24 * 12
    measure(bare, "pool-a", {oldest - 24 + 3: 0.010, oldest - 24 - 3: 0.020})
    assert gap_filling(bare).counts["gaps_filled"] == 5  # type: ignore[index]


def test_inactive_pools_are_left_alone_but_tell_of_their_neighbours(bare: Spot) -> None:
    measure(bare, "pool-a", {10: 0.010, 0: 0.010})
    measure(bare, "pool-b", {10: 1.0, 5: 3.0, 3: 3.0})
    bare.sql("UPDATE spot_pools SET is_active = 0 WHERE id = 'pool-b'")
    gap_filling(bare)
    assert filled(bare, "pool-b") == []
    assert 0.03 in {row["spot_price"] for row in filled(bare, "pool-a")}


@pytest.mark.parametrize("broken", ["a pool", "the log"])
def test_what_fails_is_told(bare: Spot, broken: str) -> None:
    measure(bare, "pool-a", {2: 0.010, 0: 0.020})
    if broken == "a pool":
        bare.sql(
            "CREATE TRIGGER refuse BEFORE INSERT ON pricing_snapshots_interpolated"
            " BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
        assert gap_filling(bare).counts["errors"] == 1  # type: ignore[index]
        assert filled(bare, "pool-a") == []
    else:
        bare.sql("DROP TABLE pricing_snapshots_interpolated")
        bare.sql("ALTER TABLE spot_pools RENAME COLUMN is_active TO was_active")
        with pytest.raises(AssertionError):
            gap_filling(bare)
        row = bare.one("SELECT status, error_log FROM data_processing_jobs")
        assert row["status"] == "failed"
        assert "is_active" in row["error_log"]
