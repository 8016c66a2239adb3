"""What agents reported about prices."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.strict_types import JsonText, StrictDecimal, StrictString, StrictTimestamp
from backend.spot.models.base import Base


class PricingReport(Base):
    """One report, as received."""

    __tablename__ = "pricing_reports"
    __table_args__ = (
        Index("idx_pricing_reports_agent", "agent_id"),
        Index("idx_pricing_reports_agent_newest", "agent_id", "received_at", "id"),
        Index("idx_pricing_reports_time", text("received_at DESC")),
        Index("idx_pricing_reports_instance_type", "instance_type"),
        Index("idx_pricing_reports_collected", text("collected_at DESC")),
    )

    id: Mapped[str] = mapped_column(StrictString(36), primary_key=True)
    agent_id: Mapped[str] = mapped_column(
        StrictString(36), ForeignKey("agents.id", name="fk_pricing_reports_agent", ondelete="CASCADE")
    )
    instance_id: Mapped[str | None] = mapped_column(StrictString(50))
    instance_type: Mapped[str | None] = mapped_column(StrictString(50))
    region: Mapped[str | None] = mapped_column(StrictString(50))
    az: Mapped[str | None] = mapped_column(StrictString(50))
    current_mode: Mapped[str | None] = mapped_column(StrictString(20))
    current_pool_id: Mapped[str | None] = mapped_column(StrictString(100))
    on_demand_price: Mapped[float | None] = mapped_column(StrictDecimal(10, 6))
    current_spot_price: Mapped[float | None] = mapped_column(StrictDecimal(10, 6))
    cheapest_pool_id: Mapped[str | None] = mapped_column(StrictString(100))
    cheapest_pool_price: Mapped[float | None] = mapped_column(StrictDecimal(10, 6))
    spot_pools: Mapped[Any | None] = mapped_column(JsonText())
    collected_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    received_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
