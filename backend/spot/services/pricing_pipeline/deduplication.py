"""One price for each pool and bucket, out of all that were submitted."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from backend.core.bulk import insert_or_update_rows
from backend.core.rows import update_rows
from backend.core.session import Session
from backend.spot.models import CleanPriceSnapshot, PriceSubmission, SpotPool
from backend.spot.services.pricing_pipeline.buckets import CONFIDENCES, bucket_end, bucket_start, savings_percent
from backend.spot.services.pricing_pipeline.merging import Merged, Submission, merge

#: A pool and the beginning of a bucket.
Key = tuple[str, datetime]

WAITING = (PriceSubmission.is_duplicate == 0, PriceSubmission.processed == 0)
# The pool's own spelling of its id: an agent's may differ in case.
SUBMISSIONS = (
    select(
        PriceSubmission.id,
        PriceSubmission.submission_id,
        PriceSubmission.source_type,
        PriceSubmission.source_instance_id,
        PriceSubmission.source_agent_id,
        SpotPool.id.label("pool_id"),
        PriceSubmission.instance_type,
        PriceSubmission.region,
        PriceSubmission.az,
        PriceSubmission.spot_price,
        PriceSubmission.ondemand_price,
        PriceSubmission.observed_at,
    )
    .join(SpotPool, SpotPool.id == PriceSubmission.pool_id)
    .where(*WAITING)
    .order_by(PriceSubmission.id)
)


def oldest_waiting(session: Session) -> datetime | None:
    """When the oldest submission that waits to be merged was received; None when none does."""
    return session.execute(
        select(PriceSubmission.received_at).where(*WAITING).order_by(PriceSubmission.id).limit(1)
    ).scalar()


def merge_submissions(session: Session, now: datetime, limit: int) -> dict[str, int]:
    """Merge up to `limit` of the oldest submissions that wait into the buckets of their pools.

    Returns how many were `processed`, of which `duplicates_found`, and how many snapshots are new or were replaced.
    """
    buckets: dict[Key, list[Submission]] = defaultdict(list)
    for row in session.execute(SUBMISSIONS.limit(limit)).mappings():
        submission = Submission(**row)
        buckets[submission.pool_id, bucket_start(submission.observed_at)].append(submission)
    present = _sources(session, buckets)
    merged = {key: merge(present.get(key), submissions) for key, submissions in buckets.items()}
    _store(session, merged)
    _mark(session, buckets, merged, now)
    return {
        "processed": sum(map(len, buckets.values())),
        "duplicates_found": sum(len(result.duplicates) for result in merged.values()),
        "new_snapshots": sum(result.is_new for result in merged.values()),
        "replaced": sum(result.replaced for result in merged.values()),
    }


def _sources(session: Session, keys: Iterable[Key]) -> dict[Key, str]:
    """Where the prices come from that the buckets hold now."""
    pools, starts = {pool for pool, _ in keys}, {start for _, start in keys}
    if not pools:
        return {}
    query = select(CleanPriceSnapshot.pool_id, CleanPriceSnapshot.time_bucket, CleanPriceSnapshot.source_type).where(
        CleanPriceSnapshot.pool_id.in_(pools), CleanPriceSnapshot.time_bucket.in_(starts)
    )
    return {(pool, start): source for pool, start, source in session.execute(query)}


def _store(session: Session, merged: Mapping[Key, Merged]) -> None:
    """Write the winners. A bucket that was filled meanwhile can only have been guessed at: it is overwritten."""
    rows = [_snapshot(key, result.winner) for key, result in merged.items() if result.winner is not None]
    if rows:
        changed = [name for name in rows[0] if name not in ("pool_id", "time_bucket")]
        insert_or_update_rows(session, CleanPriceSnapshot, ("pool_id", "time_bucket"), changed, rows)


def _snapshot(key: Key, winner: Submission) -> dict[str, Any]:
    pool_id, start = key
    return {
        "pool_id": pool_id,
        "instance_type": winner.instance_type,
        "region": winner.region,
        "az": winner.az,
        "spot_price": winner.spot_price,
        "ondemand_price": winner.ondemand_price,
        "savings_percent": savings_percent(winner.ondemand_price, winner.spot_price),
        "time_bucket": start,
        "bucket_start": start,
        "bucket_end": bucket_end(start),
        "source_instance_id": winner.source_instance_id,
        "source_agent_id": winner.source_agent_id,
        "source_type": winner.source_type,
        "confidence_score": CONFIDENCES.get(winner.source_type, 0.5),
        "data_source": "measured",
        "source_submission_id": winner.submission_id,
        "interpolation_method": None,
    }


def _mark(
    session: Session, buckets: Mapping[Key, list[Submission]], merged: Mapping[Key, Merged], now: datetime
) -> None:
    taken = [submission.id for submissions in buckets.values() for submission in submissions]
    duplicates = [submission.id for result in merged.values() for submission in result.duplicates]
    if taken:
        update_rows(session, PriceSubmission, PriceSubmission.id.in_(taken), processed=True, processed_at=now)
    if duplicates:
        update_rows(session, PriceSubmission, PriceSubmission.id.in_(duplicates), is_duplicate=True)
