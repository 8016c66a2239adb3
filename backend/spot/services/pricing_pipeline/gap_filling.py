"""Filling the buckets of pools for which no price was measured."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select

from backend.core.rows import insert_rows_unless_present
from backend.core.session import Session
from backend.spot.models import CleanPriceSnapshot, InterpolatedPriceSnapshot, SpotPool
from backend.spot.services.pricing_pipeline.buckets import bucket_end, savings_percent
from backend.spot.services.pricing_pipeline.gaps import Filling, Prices, fill_gaps


class Group(NamedTuple):
    """Pools of one instance type in one region."""

    instance_type: str
    region: str


def groups(session: Session) -> list[Group]:
    """The groups that have an active pool."""
    query = (
        select(SpotPool.instance_type, SpotPool.region)
        .where(SpotPool.is_active == 1)
        .distinct()
        .order_by(SpotPool.instance_type, SpotPool.region)
    )
    return [Group(instance_type, region) for instance_type, region in session.execute(query)]


def fill_group(session: Session, group: Group, start: datetime, end: datetime) -> dict[str, int]:
    """Fill the gaps of a group's active pools from bucket `start` to bucket `end`.

    Returns `gaps_found`, `gaps_filled` and `interpolations_created`, in buckets.
    """
    pools = session.execute(
        select(SpotPool.id, SpotPool.az).where(
            SpotPool.is_active == 1, SpotPool.instance_type == group.instance_type, SpotPool.region == group.region
        )
    ).all()
    known = _known(session, group, start, end)
    measured = {pool: _measured(rows) for pool, rows in known.items()}
    found, snapshots, interpolations = 0, [], []
    for pool in pools:
        rows = known.get(pool.id, {})
        peers = [prices for other, prices in measured.items() if other != pool.id]
        filled = fill_gaps(measured.get(pool.id, {}), rows, peers, start, end)
        found += filled.gaps_found
        for filling in filled.fillings:
            place = {"pool_id": pool.id, **group._asdict(), "az": pool.az, "time_bucket": filling.at}
            snapshots.append(place | _snapshot(filling, rows))
            interpolations.append(place | _interpolation(filling, rows))
    insert_rows_unless_present(session, InterpolatedPriceSnapshot, interpolations)
    insert_rows_unless_present(session, CleanPriceSnapshot, snapshots)
    return {"gaps_found": found, "gaps_filled": len(snapshots), "interpolations_created": len(interpolations)}


def _known(session: Session, group: Group, start: datetime, end: datetime) -> dict[str, dict[datetime, Any]]:
    """The buckets of all pools of the group, by pool and time."""
    query = select(
        CleanPriceSnapshot.id,
        CleanPriceSnapshot.pool_id,
        CleanPriceSnapshot.time_bucket,
        CleanPriceSnapshot.spot_price,
        CleanPriceSnapshot.ondemand_price,
        CleanPriceSnapshot.data_source,
    ).where(
        CleanPriceSnapshot.instance_type == group.instance_type,
        CleanPriceSnapshot.region == group.region,
        CleanPriceSnapshot.time_bucket.between(start, end),
    )
    known: dict[str, dict[datetime, Any]] = defaultdict(dict)
    for row in session.execute(query):
        known[row.pool_id][row.time_bucket] = row
    return known


def _measured(rows: Mapping[datetime, Any]) -> Prices:
    return {time: row.spot_price for time, row in rows.items() if row.data_source == "measured"}


def _snapshot(filling: Filling, rows: Mapping[datetime, Any]) -> dict[str, Any]:
    ondemand_price = rows[filling.before].ondemand_price or rows[filling.after].ondemand_price
    return {
        "spot_price": filling.price,
        "ondemand_price": ondemand_price,
        "savings_percent": savings_percent(ondemand_price, filling.price),
        "bucket_start": filling.at,
        "bucket_end": bucket_end(filling.at),
        "source_type": "interpolated",
        "confidence_score": filling.confidence,
        "data_source": "interpolated",
        "interpolation_method": filling.method,
    }


def _interpolation(filling: Filling, rows: Mapping[datetime, Any]) -> dict[str, Any]:
    before, after = rows[filling.before], rows[filling.after]
    return {
        "spot_price": filling.price,
        "interpolated_price": filling.price,
        "interpolated_from_before": before.id,
        "interpolated_from_after": after.id,
        "price_before": before.spot_price,
        "price_after": after.spot_price,
        "timestamp_before": filling.before,
        "timestamp_after": filling.after,
        "confidence_score": filling.confidence,
        "gap_duration_minutes": filling.gap_minutes,
        "gap_type": filling.gap_type,
        "interpolation_method": filling.method,
    }
