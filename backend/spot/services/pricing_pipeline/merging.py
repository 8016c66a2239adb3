"""Which of the prices submitted for a bucket stays. Pure: no database, no clock."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from backend.spot.services.pricing_pipeline.buckets import PRIORITIES


@dataclass(frozen=True)
class Submission:
    """A submitted price. `id` is the row's number, `observed_at` naive UTC."""

    id: int
    submission_id: str
    source_type: str
    source_instance_id: str
    source_agent_id: str
    pool_id: str
    instance_type: str
    region: str
    az: str
    spot_price: float
    ondemand_price: float | None
    observed_at: datetime


@dataclass
class Merged:
    """What became of the submissions for one bucket: `winner` is None when what was there before stays."""

    winner: Submission | None = None
    is_new: bool = False
    replaced: int = 0
    duplicates: list[Submission] = field(default_factory=list)


def merge(present: str | None, submissions: Iterable[Submission]) -> Merged:
    """Merge submissions, oldest first, into a bucket that holds a price of the source `present`, or (None) none.

    A price is replaced only by one from a strictly better source, so of equals the first stays.
    """
    merged = Merged(is_new=present is None)
    best = -1 if present is None else PRIORITIES.get(present, 0)
    for submission in submissions:
        priority = PRIORITIES.get(submission.source_type, 0)
        if priority > best:
            merged.replaced += best >= 0
            merged.winner, best = submission, priority
        else:
            merged.duplicates.append(submission)
    return merged
