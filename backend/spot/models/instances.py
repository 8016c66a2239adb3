"""The machines agents run on."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.strict_types import JsonText, StrictDecimal, StrictFlag, StrictInteger, StrictString, StrictTimestamp
from backend.spot.models.base import Base


class Instance(Base):
    """An instance: the one an agent runs on, or a former one."""

    __tablename__ = "instances"
    __table_args__ = (
        Index("idx_instances_client", "client_id"),
        Index("idx_instances_client_active", "client_id", "is_active", "current_mode"),
        Index("idx_instances_active_client", "is_active", "client_id"),
        Index("idx_instances_active_newest", "is_active", "created_at"),
        Index("idx_instances_agent", "agent_id"),
        Index("idx_instances_newest", "created_at"),
        Index("idx_instances_region_newest", "region", "created_at"),
        Index("idx_instances_type_region", "instance_type", "region"),
        Index("idx_instances_mode", "current_mode"),
        Index("idx_instances_active", "is_active"),
        Index("idx_instances_pool", "current_pool_id"),
    )

    id: Mapped[str] = mapped_column(StrictString(64), primary_key=True)
    client_id: Mapped[str] = mapped_column(
        StrictString(36), ForeignKey("clients.id", name="fk_instances_client", ondelete="CASCADE")
    )
    agent_id: Mapped[str | None] = mapped_column(
        StrictString(36), ForeignKey("agents.id", name="fk_instances_agent", ondelete="SET NULL")
    )
    instance_type: Mapped[str] = mapped_column(StrictString(64))
    region: Mapped[str] = mapped_column(StrictString(32))
    az: Mapped[str] = mapped_column(StrictString(48))
    ami_id: Mapped[str | None] = mapped_column(StrictString(64))
    current_mode: Mapped[str | None] = mapped_column(StrictString(20), server_default="unknown")
    current_pool_id: Mapped[str | None] = mapped_column(StrictString(128))
    spot_price: Mapped[float | None] = mapped_column(StrictDecimal(10, 6))
    ondemand_price: Mapped[float | None] = mapped_column(StrictDecimal(10, 6))
    baseline_ondemand_price: Mapped[float | None] = mapped_column(StrictDecimal(10, 6))
    is_active: Mapped[int | None] = mapped_column(StrictFlag(), server_default="1")
    installed_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    last_switch_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    last_interruption_signal: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    interruption_handled_count: Mapped[int | None] = mapped_column(StrictInteger(), server_default="0")
    last_failover_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    terminated_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    updated_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    metadata_: Mapped[Any | None] = mapped_column("metadata", JsonText())
