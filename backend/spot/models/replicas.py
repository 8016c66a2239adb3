"""Replicas of an agent's instance, and the promotions that made one of them the primary."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, func, text
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


class ReplicaInstance(Base):
    """A second instance that stands by for an agent's primary."""

    __tablename__ = "replica_instances"
    __table_args__ = (
        Index("idx_replica_active", "agent_id", "is_active"),
        Index("idx_replica_agent_status", "agent_id", "status"),
        Index("idx_replica_created", "created_at"),
        Index("idx_replica_parent", "parent_instance_id"),
    )

    id: Mapped[str] = mapped_column(StrictString(255), primary_key=True)
    agent_id: Mapped[str] = mapped_column(StrictString(255))
    instance_id: Mapped[str] = mapped_column(StrictString(255))
    replica_type: Mapped[str] = mapped_column(StrictEnum("manual", "automatic-rebalance", "automatic-termination"))
    pool_id: Mapped[str | None] = mapped_column(StrictString(128))
    instance_type: Mapped[str | None] = mapped_column(StrictString(50))
    region: Mapped[str | None] = mapped_column(StrictString(50))
    az: Mapped[str | None] = mapped_column(StrictString(50))
    status: Mapped[str] = mapped_column(
        StrictEnum("launching", "syncing", "ready", "promoted", "terminated", "failed"), server_default="launching"
    )
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    launched_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    ready_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    promoted_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    terminated_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    created_by: Mapped[str | None] = mapped_column(StrictString(255))
    parent_instance_id: Mapped[str | None] = mapped_column(StrictString(255))
    is_active: Mapped[int | None] = mapped_column(StrictFlag(), server_default="1")
    sync_status: Mapped[str | None] = mapped_column(
        StrictEnum("initializing", "syncing", "synced", "out-of-sync"), server_default="initializing"
    )
    sync_latency_ms: Mapped[int | None] = mapped_column(StrictInteger())
    last_sync_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    sync_started_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    sync_completed_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    error_message: Mapped[str | None] = mapped_column(StrictText())
    state_transfer_progress: Mapped[float | None] = mapped_column(StrictDecimal(5, 2), server_default="0.00")
    hourly_cost: Mapped[float | None] = mapped_column(StrictDecimal(10, 6))
    total_cost: Mapped[float | None] = mapped_column(StrictDecimal(10, 4), server_default="0.0000")
    total_runtime_hours: Mapped[float | None] = mapped_column(StrictDecimal(10, 2), server_default="0")
    accumulated_cost: Mapped[float | None] = mapped_column(StrictDecimal(15, 4), server_default="0")
    interruption_signal_type: Mapped[str | None] = mapped_column(
        StrictEnum("rebalance-recommendation", "termination-notice")
    )
    interruption_detected_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    termination_time: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    failover_completed_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    tags: Mapped[Any | None] = mapped_column(JsonText())


class InstanceSwitch(Base):
    """A promotion: which instance took over from which."""

    __tablename__ = "instance_switches"
    __table_args__ = (
        Index("idx_instance_switches_agent", "agent_id", text("switched_at DESC")),
        Index("idx_instance_switches_new", "new_instance_id"),
        Index("idx_instance_switches_old", "old_instance_id"),
        Index("idx_instance_switches_time", text("switched_at DESC")),
    )

    id: Mapped[int] = mapped_column(StrictInteger(64), primary_key=True)
    agent_id: Mapped[str] = mapped_column(StrictString(255))
    old_instance_id: Mapped[str | None] = mapped_column(StrictString(255))
    new_instance_id: Mapped[str | None] = mapped_column(StrictString(255))
    switch_reason: Mapped[str | None] = mapped_column(StrictString(100))
    switched_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    success: Mapped[int | None] = mapped_column(StrictFlag(), server_default="1")
    error_message: Mapped[str | None] = mapped_column(StrictText())
    metadata_: Mapped[Any | None] = mapped_column("metadata", JsonText())
