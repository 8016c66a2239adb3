"""Moves from one instance to another."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.strict_types import (
    JsonText,
    StrictDecimal,
    StrictFlag,
    StrictInteger,
    StrictString,
    StrictText,
    StrictTimestamp,
)
from backend.spot.models.base import Base


class Switch(Base):
    """A switch as an agent reported it."""

    __tablename__ = "switches"
    __table_args__ = (
        Index("idx_switches_client", "client_id"),
        Index("idx_switches_agent", "agent_id"),
        Index("idx_switches_agent_newest", "agent_id", "initiated_at"),
        Index("idx_switches_client_time", "client_id", text("timestamp DESC")),
        Index("idx_switches_client_newest", "client_id", "initiated_at", "timestamp", "id"),
        Index("idx_switches_command", "command_id"),
        Index("idx_switches_time", text("initiated_at DESC")),
        Index("idx_switches_trigger", "event_trigger"),
        Index("idx_switches_instance", "old_instance_id"),
        Index("idx_switches_new_instance", "new_instance_id"),
        Index("idx_switches_timestamp", text("timestamp DESC")),
        Index("idx_switches_success", "success"),
    )

    id: Mapped[str] = mapped_column(StrictString(36), primary_key=True)
    client_id: Mapped[str] = mapped_column(
        StrictString(36), ForeignKey("clients.id", name="fk_switches_client", ondelete="CASCADE")
    )
    agent_id: Mapped[str] = mapped_column(
        StrictString(36), ForeignKey("agents.id", name="fk_switches_agent", ondelete="CASCADE")
    )
    command_id: Mapped[str | None] = mapped_column(
        StrictString(36), ForeignKey("commands.id", name="fk_switches_command", ondelete="SET NULL")
    )
    old_instance_id: Mapped[str | None] = mapped_column(StrictString(50))
    old_instance_type: Mapped[str | None] = mapped_column(StrictString(50))
    old_region: Mapped[str | None] = mapped_column(StrictString(50))
    old_az: Mapped[str | None] = mapped_column(StrictString(50))
    old_mode: Mapped[str | None] = mapped_column(StrictString(20))
    old_pool_id: Mapped[str | None] = mapped_column(StrictString(100))
    old_ami_id: Mapped[str | None] = mapped_column(StrictString(50))
    new_instance_id: Mapped[str | None] = mapped_column(StrictString(50))
    new_instance_type: Mapped[str | None] = mapped_column(StrictString(50))
    new_region: Mapped[str | None] = mapped_column(StrictString(50))
    new_az: Mapped[str | None] = mapped_column(StrictString(50))
    new_mode: Mapped[str | None] = mapped_column(StrictString(20))
    new_pool_id: Mapped[str | None] = mapped_column(StrictString(100))
    new_ami_id: Mapped[str | None] = mapped_column(StrictString(50))
    on_demand_price: Mapped[float | None] = mapped_column(StrictDecimal(10, 6))
    old_spot_price: Mapped[float | None] = mapped_column(StrictDecimal(10, 6))
    new_spot_price: Mapped[float | None] = mapped_column(StrictDecimal(10, 6))
    savings_impact: Mapped[float | None] = mapped_column(StrictDecimal(10, 6))
    event_trigger: Mapped[str | None] = mapped_column(StrictString(20))
    trigger_type: Mapped[str | None] = mapped_column(StrictString(20))
    snapshot_used: Mapped[int | None] = mapped_column(StrictFlag(), server_default="0")
    snapshot_id: Mapped[str | None] = mapped_column(StrictString(128))
    ami_id: Mapped[str | None] = mapped_column(StrictString(64))
    initiated_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    ami_created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    instance_launched_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    instance_ready_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    old_terminated_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    timestamp: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    total_duration_seconds: Mapped[int | None] = mapped_column(StrictInteger())
    downtime_seconds: Mapped[int | None] = mapped_column(StrictInteger())
    timing_data: Mapped[Any | None] = mapped_column(JsonText())
    success: Mapped[int | None] = mapped_column(StrictFlag(), server_default="1")
    error_message: Mapped[str | None] = mapped_column(StrictText())
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
