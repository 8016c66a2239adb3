"""Signals that an instance is about to go."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.strict_types import (
    JsonText,
    StrictDecimal,
    StrictEnum,
    StrictFlag,
    StrictInteger,
    StrictString,
    StrictText,
    StrictTimestamp,
)
from backend.spot.models.base import Base


class InterruptionEvent(Base):
    """An interruption signal and how it was handled."""

    __tablename__ = "spot_interruption_events"
    __table_args__ = (
        Index("idx_interruption_agent", "agent_id", "detected_at"),
        Index("idx_interruption_signal", "signal_type"),
        Index("idx_interruption_success", "success"),
        Index("idx_interruption_detected", "detected_at"),
        Index("idx_interruption_pool", "pool_id", "detected_at"),
        Index("idx_interruption_ml_features", "pool_id", "day_of_week", "hour_of_day", "spot_price_at_interruption"),
        Index("idx_interruption_time_patterns", "day_of_week", "hour_of_day", "signal_type"),
        Index("idx_interruption_price_trend", "price_trend_before", "price_change_percent"),
    )

    id: Mapped[int] = mapped_column(StrictInteger(64), primary_key=True)
    instance_id: Mapped[str] = mapped_column(StrictString(255))
    agent_id: Mapped[str] = mapped_column(StrictString(255))
    pool_id: Mapped[str | None] = mapped_column(StrictString(128))
    signal_type: Mapped[str] = mapped_column(StrictEnum("rebalance-recommendation", "termination-notice"))
    detected_at: Mapped[datetime] = mapped_column(StrictTimestamp())
    termination_time: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    response_action: Mapped[str] = mapped_column(
        StrictEnum("created-replica", "promoted-existing-replica", "emergency-snapshot", "no-action")
    )
    response_time_ms: Mapped[int | None] = mapped_column(StrictInteger())
    replica_id: Mapped[str | None] = mapped_column(StrictString(255))
    replica_ready: Mapped[int | None] = mapped_column(StrictFlag(), server_default="0")
    replica_ready_time_ms: Mapped[int | None] = mapped_column(StrictInteger())
    failover_completed: Mapped[int | None] = mapped_column(StrictFlag(), server_default="0")
    failover_time_ms: Mapped[int | None] = mapped_column(StrictInteger())
    data_loss_seconds: Mapped[int | None] = mapped_column(StrictInteger(), server_default="0")
    success: Mapped[int | None] = mapped_column(StrictFlag(), server_default="1")
    error_message: Mapped[str | None] = mapped_column(StrictText())
    instance_age_hours: Mapped[float | None] = mapped_column(StrictDecimal(10, 2))
    pool_interruption_probability: Mapped[float | None] = mapped_column(StrictDecimal(5, 4))
    metadata_: Mapped[Any | None] = mapped_column("metadata", JsonText())
    spot_price_at_interruption: Mapped[float | None] = mapped_column(StrictDecimal(10, 6))
    price_trend_before: Mapped[str | None] = mapped_column(StrictString(20))
    price_change_percent: Mapped[float | None] = mapped_column(StrictDecimal(5, 2))
    time_since_price_change_minutes: Mapped[int | None] = mapped_column(StrictInteger())
    day_of_week: Mapped[int | None] = mapped_column(StrictInteger(8))
    hour_of_day: Mapped[int | None] = mapped_column(StrictInteger(8))
    pool_historical_interruption_rate: Mapped[float | None] = mapped_column(StrictDecimal(5, 4))
    region_interruption_rate: Mapped[float | None] = mapped_column(StrictDecimal(5, 4))
    competing_instances_count: Mapped[int | None] = mapped_column(StrictInteger())
    previous_interruptions_count: Mapped[int | None] = mapped_column(StrictInteger(), server_default="0")
    time_since_last_interruption_hours: Mapped[float | None] = mapped_column(StrictDecimal(10, 2))
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())


class TerminationEvent(Base):
    """A termination notice or rebalance recommendation an agent passed on."""

    __tablename__ = "termination_events"
    __table_args__ = (
        Index("idx_agent_id", "agent_id"),
        Index("idx_instance_id", "instance_id"),
        Index("idx_event_type", "event_type"),
        Index("idx_status", "status"),
        Index("idx_detected_at", "detected_at"),
    )

    id: Mapped[int] = mapped_column(StrictInteger(), primary_key=True)
    agent_id: Mapped[str] = mapped_column(
        StrictString(36), ForeignKey("agents.id", name="termination_events_ibfk_1", ondelete="CASCADE")
    )
    instance_id: Mapped[str] = mapped_column(StrictString(50))
    event_type: Mapped[str] = mapped_column(StrictEnum("termination_notice", "rebalance_recommendation"))
    action_type: Mapped[str | None] = mapped_column(StrictString(50))
    action_taken: Mapped[str | None] = mapped_column(StrictString(255))
    emergency_replica_id: Mapped[str | None] = mapped_column(StrictString(36))
    new_instance_id: Mapped[str | None] = mapped_column(StrictString(50))
    detected_at: Mapped[datetime] = mapped_column(StrictTimestamp())
    resolved_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    status: Mapped[str | None] = mapped_column(
        StrictEnum("detected", "handling", "resolved", "failed"), server_default="detected"
    )
    error_message: Mapped[str | None] = mapped_column(StrictText())
    metadata_: Mapped[Any | None] = mapped_column("metadata", JsonText())
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
