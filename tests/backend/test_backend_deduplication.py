"""One price for each pool and five minutes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.spot.jobs import prices
from backend.spot.services.pricing_pipeline.buckets import PRIORITIES, bucket_end, bucket_start, savings_percent
from backend.spot.services.pricing_pipeline.merging import Submission, merge
from tests.backend.conftest import Spot
from tests.backend.test_backend_reports import POOLS, PRICING, changed
from tests.support.jobs import run_job

SOURCES = ("primary", "replica-automatic", "replica-manual")
AT = datetime(2026, 11, 21, 3, 7, 30)


def submission(number: int, source: str) -> Submission:
    return Submission(
        id=number,
        submission_id=str(number),
        source_type=source,
        source_instance_id="i",
        source_agent_id="a",
        pool_id="p",
        instance_type="t3.medium",
        region="us-east-1",
        az="us-east-1a",
        spot_price=number / 100,
        ondemand_price=0.05,
        observed_at=AT,
    )


SUBMISSIONS = st.lists(st.sampled_from(SOURCES), max_size=12).map(
    lambda sources: [submission(number, source) for number, source in enumerate(sources, 1)]
)
PRESENT = st.sampled_from([None, *PRIORITIES])


def best(present: str | None, submissions: Sequence[Submission]) -> Submission | None:
    """The first of the best source, if that is better than what is there."""
    if not submissions:
        return None
    first = max(submissions, key=lambda each: PRIORITIES[each.source_type])
    return first if present is None or PRIORITIES[first.source_type] > PRIORITIES[present] else None


class TestMerging:
    @given(PRESENT, SUBMISSIONS)
    def test_the_best_source_wins_and_the_first_of_equals_stays(
        self, present: str | None, submissions: list[Submission]
    ) -> None:
        merged = merge(present, submissions)
        assert merged.winner == best(present, submissions)
        assert merged.is_new is (present is None)

    @given(PRESENT, SUBMISSIONS)
    def test_every_submission_has_one_fate(self, present: str | None, submissions: list[Submission]) -> None:
        merged = merge(present, submissions)
        created = int(present is None and bool(submissions))
        assert created + merged.replaced + len(merged.duplicates) == len(submissions)

    @given(PRESENT, st.permutations(SOURCES), st.permutations(SOURCES))
    def test_the_order_of_different_sources_does_not_matter(
        self, present: str | None, one: list[str], other: list[str]
    ) -> None:
        numbers = {source: number for number, source in enumerate(SOURCES, 1)}
        winners = [
            merge(present, [submission(numbers[source], source) for source in order]).winner for order in (one, other)
        ]
        assert winners[0] == winners[1]

    @given(PRESENT, SUBMISSIONS, st.integers(0, 12))
    def test_merging_in_parts_is_merging_at_once(
        self, present: str | None, submissions: list[Submission], cut: int
    ) -> None:
        first = merge(present, submissions[:cut])
        kept = first.winner.source_type if first.winner else present
        second = merge(kept, submissions[cut:])
        assert (second.winner or first.winner) == merge(present, submissions).winner

    @given(PRESENT, SUBMISSIONS)
    def test_merging_again_changes_nothing(self, present: str | None, submissions: list[Submission]) -> None:
        winner = merge(present, submissions).winner
        after = winner.source_type if winner else present
        if after is not None:
            assert merge(after, submissions).winner is None


class TestBuckets:
    @given(st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1)))
    def test_a_moment_lies_in_its_bucket(self, moment: datetime) -> None:
        start = bucket_start(moment)
        assert start <= moment < start + timedelta(minutes=5)
        assert (start.minute % 5, start.second, start.microsecond) == (0, 0, 0)
        assert bucket_end(start) == start + timedelta(minutes=4, seconds=59)

    @pytest.mark.parametrize(
        ("ondemand", "spot", "percent"),
        [(0.05, 0.0123, 75.4), (None, 0.01, None), (0, 0.01, None), (0.03, 0.04, -33.33), (0.000001, 9, None)],
    )
    def test_what_is_saved(self, ondemand: float | None, spot: float, percent: float | None) -> None:
        assert savings_percent(ondemand, spot) == percent


def observe(spot: Spot, price: float, *, source: str = "primary", seconds: int = 0, pool: str = "pool-a") -> None:
    """Enter a submission about a pool, observed so long after the beginning of a bucket."""
    number = spot.one("SELECT COUNT(*) AS n FROM pricing_submissions_raw")["n"]
    spot.sql(
        "INSERT INTO spot_pools (id, instance_type, region, az) SELECT ?, 't', 'r', ? WHERE NOT EXISTS "
        "(SELECT 1 FROM spot_pools WHERE id = ?)",
        *(pool, pool, pool),
    )
    spot.sql(
        "INSERT INTO pricing_submissions_raw (submission_id, source_instance_id, source_agent_id, source_type, pool_id,"
        " instance_type, region, az, spot_price, ondemand_price, observed_at, submitted_at)"
        " VALUES (?, 'i-1', 'a-1', ?, ?, 't', 'r', 'z', ?, 0.05, ?, ?)",
        *(f"s{number}", source, pool, price, str(datetime(2026, 11, 21, 3) + timedelta(seconds=seconds)), str(AT)),
    )


def deduplicate(spot: Spot) -> dict[str, int]:
    counts = run_job(spot.app, "price-deduplication").counts
    assert counts is not None
    return counts


def snapshots(spot: Spot, *columns: str) -> list[tuple[Any, ...]]:
    rows = spot.sql("SELECT * FROM pricing_snapshots_clean ORDER BY pool_id, time_bucket")
    return [
        tuple(float(row[name]) if "price" in name or "percent" in name else row[name] for name in columns)
        for row in rows
    ]


def test_each_bucket_of_each_pool_gets_one_price(bare: Spot) -> None:
    observe(bare, 0.010)
    observe(bare, 0.011, seconds=299)
    observe(bare, 0.012, seconds=300)
    observe(bare, 0.020, pool="pool-b")
    counts = deduplicate(bare)
    assert counts == {"processed": 4, "duplicates_found": 1, "new_snapshots": 3, "replaced": 0}
    assert snapshots(bare, "pool_id", "time_bucket", "spot_price") == [
        ("pool-a", "2026-11-21 03:00:00", 0.010),
        ("pool-a", "2026-11-21 03:05:00", 0.012),
        ("pool-b", "2026-11-21 03:00:00", 0.020),
    ]
    row = bare.one("SELECT * FROM pricing_snapshots_clean WHERE pool_id = 'pool-b'")
    assert {**row, "id": 0, "created_at": ""} == {
        "id": 0,
        "pool_id": "pool-b",
        "instance_type": "t",
        "region": "r",
        "az": "z",
        "created_at": "",
        "spot_price": 0.02,
        "ondemand_price": 0.05,
        "savings_percent": 60,
        "time_bucket": "2026-11-21 03:00:00",
        "bucket_start": "2026-11-21 03:00:00",
        "bucket_end": "2026-11-21 03:04:59",
        "source_instance_id": "i-1",
        "source_agent_id": "a-1",
        "source_type": "primary",
        "confidence_score": 1,
        "data_source": "measured",
        "source_submission_id": "s3",
        "interpolation_method": None,
    }
    flags = bare.sql("SELECT submission_id, is_duplicate, processed FROM pricing_submissions_raw ORDER BY id")
    assert [(row["is_duplicate"], row["processed"]) for row in flags] == [(0, 1), (1, 1), (0, 1), (0, 1)]


def test_a_better_source_replaces_what_a_run_before_stored(bare: Spot) -> None:
    observe(bare, 0.010, source="replica-manual")
    assert deduplicate(bare)["new_snapshots"] == 1
    assert snapshots(bare, "spot_price", "source_type", "confidence_score") == [(0.010, "replica-manual", 0.95)]
    observe(bare, 0.011, source="replica-automatic")
    observe(bare, 0.012)
    observe(bare, 0.013)
    assert deduplicate(bare) == {"processed": 3, "duplicates_found": 1, "new_snapshots": 0, "replaced": 2}
    assert snapshots(bare, "spot_price", "source_type", "confidence_score") == [(0.012, "primary", 1)]
    assert deduplicate(bare)["processed"] == 0


def test_a_measured_price_replaces_a_guess(bare: Spot) -> None:
    observe(bare, 0.010, source="replica-manual")
    deduplicate(bare)
    bare.sql(
        "UPDATE pricing_snapshots_clean SET source_type = 'interpolated', data_source = 'interpolated',"
        " interpolation_method = 'linear'"
    )
    observe(bare, 0.011, source="replica-manual")
    assert deduplicate(bare)["replaced"] == 1
    assert snapshots(bare, "spot_price", "data_source", "interpolation_method") == [(0.011, "measured", None)]


def test_many_submissions_are_merged_in_steps(bare: Spot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prices, "BATCH", 2)
    for number in range(5):
        observe(bare, 0.01 + number / 1000, source=SOURCES[number % 3], seconds=number)
    assert deduplicate(bare) == {"processed": 5, "duplicates_found": 4, "new_snapshots": 1, "replaced": 0}
    assert snapshots(bare, "spot_price") == [(0.010,)]


def test_the_log_of_processing_tells_what_was_done(bare: Spot) -> None:
    observe(bare, 0.010)
    observe(bare, 0.011)
    deduplicate(bare)
    row = bare.one("SELECT * FROM data_processing_jobs")
    assert (row["job_type"], row["status"], row["records_processed"]) == ("deduplication", "completed", 2)
    assert (row["duplicates_found"], row["error_log"]) == (1, None)
    assert row["result_summary"] == '{"duplicates_found": 1, "new_snapshots": 1, "replaced": 0}'
    bare.sql("UPDATE data_processing_jobs SET status = 'running'")
    deduplicate(bare)
    first, second = bare.sql("SELECT status, error_log FROM data_processing_jobs ORDER BY id")
    assert (first["status"], first["error_log"]) == ("failed", "The run was interrupted.")
    assert second["status"] == "completed"


class TestReports:
    """What agents report is submitted."""

    def submitted(self, spot: Spot) -> list[dict[str, Any]]:
        return spot.sql("SELECT * FROM pricing_submissions_raw ORDER BY id")

    def test_a_report_submits_the_price_of_each_pool(self, spot: Spot) -> None:
        assert spot.post("pricing-report", PRICING).json == {"success": True}
        rows = self.submitted(spot)
        assert [(row["pool_id"], row["az"], row["spot_price"]) for row in rows] == [
            (pool["pool_id"], pool["az"], pool["price"]) for pool in POOLS
        ]
        report = spot.one("SELECT id FROM pricing_reports")["id"]
        assert {row["batch_id"] for row in rows} == {report}
        assert {row["source_type"] for row in rows} == {"primary"}
        assert {(row["source_agent_id"], row["client_id"]) for row in rows} == {(spot.agent_id, spot.client_id)}
        assert deduplicate(spot)["new_snapshots"] == len(POOLS)

    @pytest.mark.parametrize(
        ("kind", "source"), [("manual", "replica-manual"), ("automatic-termination", "replica-automatic")]
    )
    def test_a_replica_says_so(self, spot: Spot, kind: str, source: str) -> None:
        spot.sql(
            "INSERT INTO replica_instances (id, agent_id, instance_id, replica_type) VALUES ('r', ?, 'i-r', ?)",
            *(spot.agent_id, kind),
        )
        spot.post("pricing-report", changed(PRICING, "instance", instance_id="i-r"))
        assert {row["source_type"] for row in self.submitted(spot)} == {source}

    def test_a_report_from_nowhere_submits_nothing(self, spot: Spot) -> None:
        report = changed(PRICING, "instance", instance_id=None)
        assert spot.post("pricing-report", report).json == {"success": True}
        assert self.submitted(spot) == []

    def test_a_report_that_fails_submits_nothing(self, spot: Spot) -> None:
        report = changed(PRICING, "pricing", spot_pools=[POOLS[0], {"pool_id": "p"}])
        assert spot.post("pricing-report", report).status_code == 500
        assert self.submitted(spot) == []
