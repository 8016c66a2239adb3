"""price-deduplication and gap-filling."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial

from backend.core.database_errors import StatementRefusedError
from backend.core.scheduler import Counts, JobInterruptedError, JobRun
from backend.spot.services.pricing_pipeline import processing_log
from backend.spot.services.pricing_pipeline.buckets import BUCKET, bucket_start
from backend.spot.services.pricing_pipeline.deduplication import merge_submissions, oldest_waiting
from backend.spot.services.pricing_pipeline.gap_filling import fill_group, groups
from backend.spot.services.pricing_pipeline.gaps import LONG

#: Submissions that one transaction merges at most.
BATCH = 5000
#: A day, and as much before it as a gap may last that could not be filled yesterday because its end was missing.
WINDOW = timedelta(days=1) + LONG * BUCKET

_log = logging.getLogger("backend.spot.prices")


def deduplicate_prices(run: JobRun) -> Counts:
    """Merge all submissions that wait, oldest first."""
    start = run.transact(oldest_waiting) or run.now
    counts: Counter[str] = Counter(processed=0, duplicates_found=0, new_snapshots=0, replaced=0)
    with _logged(run, "deduplication", start, run.now, counts):
        while True:
            merged = run.transact(partial(merge_submissions, now=run.now, limit=BATCH))
            counts.update(merged)
            run.progress(counts["processed"])
            if merged["processed"] < BATCH:
                return dict(counts)


def fill_price_gaps(run: JobRun) -> Counts:
    """Fill the gaps of the last day in the prices of all active pools. What fails for some pools stops no others."""
    end = bucket_start(run.now)
    start = end - WINDOW
    counts: Counter[str] = Counter(processed=0, gaps_found=0, gaps_filled=0, interpolations_created=0, errors=0)
    with _logged(run, "gap-filling", start, end, counts):
        found = run.transact(groups)
        for group in found:
            try:
                counts.update(run.transact(partial(fill_group, group=group, start=start, end=end)))
            except StatementRefusedError as error:
                counts["errors"] += 1
                _log.warning("gaps not filled", extra={**group._asdict(), "error": str(error)})
            counts["processed"] += 1
            run.progress(counts["processed"], len(found))
    return dict(counts)


@contextmanager
def _logged(run: JobRun, kind: str, start: datetime, end: datetime, counts: Counter[str]) -> Iterator[None]:
    """Keep the log of processing about the block, which leaves what it did in `counts`."""
    number = run.transact(partial(processing_log.begin, job_type=kind, start=start, end=end, now=run.now))
    try:
        yield
    except JobInterruptedError:
        raise
    except Exception as error:
        text = str(error)
        with suppress(Exception):
            run.transact(partial(processing_log.fail, number=number, now=run.now, error=text))
        raise
    totals = dict(counts)
    run.transact(
        partial(processing_log.complete, number=number, now=run.now, processed=totals.pop("processed"), counts=totals)
    )
