"""What is known around an interruption, kept with it for models to learn from."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import func, select

from backend.core.session import Session
from backend.spot.models import Agent, CleanPriceSnapshot, InterruptionEvent, SpotPool, SpotPriceSnapshot
from backend.spot.services.interruptions import WINDOW_DAYS
from backend.spot.services.replicas.primary import current_pool_id

HOUR = timedelta(hours=1)
LOOK_BACK = timedelta(days=1)
MOST_PRICES = 288
TREND_PERCENT = 5.0
STEP_PERCENT = 1.0
HIGHEST_RATE = 9.9999
HIGHEST_CHANGE_PERCENT = 999.99


def features_of(session: Session, agent: Any, primary: Any, now: datetime) -> dict[str, Any]:
    """Columns of `spot_interruption_events`; what cannot be known is left out.

    Ages are hours, prices dollars an hour, rates interruptions a day; weekdays count from Monday = 0, hours are UTC.
    """
    features: dict[str, Any] = {"day_of_week": now.weekday(), "hour_of_day": now.hour, **_history(session, agent, now)}
    if primary.installed_at is not None:
        features["instance_age_hours"] = _hours(now - primary.installed_at)
    pool_id = current_pool_id(agent, primary)
    if pool_id is not None:
        features |= {"pool_id": pool_id, **_pool(session, agent, pool_id, now), **_prices(session, pool_id, now)}
    return features


def _history(session: Session, agent: Any, now: datetime) -> dict[str, Any]:
    query = select(func.count(), func.max(InterruptionEvent.detected_at)).where(InterruptionEvent.agent_id == agent.id)
    number, last = session.execute(query).one()
    history: dict[str, Any] = {"previous_interruptions_count": number}
    return history if last is None else {**history, "time_since_last_interruption_hours": _hours(now - last)}


def _pool(session: Session, agent: Any, pool_id: str, now: datetime) -> dict[str, Any]:
    lately = InterruptionEvent.detected_at >= now - timedelta(days=WINDOW_DAYS)
    region = select(SpotPool.region).where(SpotPool.id == pool_id).scalar_subquery()
    pools_there = select(SpotPool.id).where(SpotPool.region == region)
    query = select(
        _count(InterruptionEvent, InterruptionEvent.pool_id == pool_id, lately),
        _count(InterruptionEvent, InterruptionEvent.pool_id.in_(pools_there), lately),
        _count(Agent, Agent.current_pool_id == pool_id, Agent.id != agent.id, Agent.status == "online"),
    )
    in_pool, in_region, competing = session.execute(query).one()
    return {
        "pool_historical_interruption_rate": min(in_pool / WINDOW_DAYS, HIGHEST_RATE),
        "region_interruption_rate": min(in_region / WINDOW_DAYS, HIGHEST_RATE),
        "competing_instances_count": competing,
    }


def _count(model: Any, *where: Any) -> Any:
    return select(func.count()).select_from(model).where(*where).scalar_subquery()


def _prices(session: Session, pool_id: str, now: datetime) -> dict[str, Any]:
    series = _series(session, pool_id, now)
    if not series:
        return {}
    current = series[0][1]
    before = [price for moment, price in series if moment >= now - HOUR][-1:] or [current]
    change = (current - before[0]) / before[0] * 100 if before[0] else 0.0
    features = {
        "spot_price_at_interruption": current,
        "price_change_percent": max(-HIGHEST_CHANGE_PERCENT, min(change, HIGHEST_CHANGE_PERCENT)),
        "price_trend_before": _trend(change),
    }
    stepped = _last_step(series)
    if stepped is not None:
        features["time_since_price_change_minutes"] = int((now - stepped).total_seconds() // 60)
    return features


def _series(session: Session, pool_id: str, now: datetime) -> list[tuple[datetime, float]]:
    """When and what a pool cost during the last day, newest first: its buckets, or else what agents reported."""
    for model, moment, price in (
        (CleanPriceSnapshot, CleanPriceSnapshot.time_bucket, CleanPriceSnapshot.spot_price),
        (SpotPriceSnapshot, SpotPriceSnapshot.captured_at, SpotPriceSnapshot.price),
    ):
        query = (
            select(moment, price)
            .where(model.pool_id == pool_id, moment >= now - LOOK_BACK)
            .order_by(moment.desc(), model.id.desc())
            .limit(MOST_PRICES)
        )
        found: list[Any] = list(session.execute(query))
        if found:
            return found
    return []


def _trend(percent: float) -> str:
    if percent > TREND_PERCENT:
        return "rising"
    return "falling" if percent < -TREND_PERCENT else "stable"


def _last_step(series: list[tuple[datetime, float]]) -> datetime | None:
    """When the price last moved by more than a percent."""
    for (moment, price), (_, before) in pairwise(series):
        if before and abs(price - before) / before * 100 > STEP_PERCENT:
            return moment
    return None


def _hours(duration: timedelta) -> float:
    return max(0.0, duration.total_seconds() / 3600)
