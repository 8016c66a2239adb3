"""What clients saved, and how many there were."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.strict_types import StrictDate, StrictDecimal, StrictInteger, StrictString, StrictTimestamp
from backend.spot.models.base import Base


class ClientSavingsMonthly(Base):
    """What a client's instances cost in a month, and would have cost on demand."""

    __tablename__ = "client_savings_monthly"
    __table_args__ = (
        UniqueConstraint("client_id", "year", "month", name="uk_client_month"),
        Index("idx_savings_monthly_client", "client_id"),
        Index("idx_savings_monthly_year_month", "year", "month"),
    )

    id: Mapped[int] = mapped_column(StrictInteger(64), primary_key=True)
    client_id: Mapped[str] = mapped_column(
        StrictString(36), ForeignKey("clients.id", name="fk_savings_client", ondelete="CASCADE")
    )
    year: Mapped[int] = mapped_column(StrictInteger())
    month: Mapped[int] = mapped_column(StrictInteger())
    baseline_cost: Mapped[float | None] = mapped_column(StrictDecimal(15, 4), server_default="0.0000")
    actual_cost: Mapped[float | None] = mapped_column(StrictDecimal(15, 4), server_default="0.0000")
    savings: Mapped[float | None] = mapped_column(StrictDecimal(15, 4), server_default="0.0000")
    savings_percentage: Mapped[float | None] = mapped_column(StrictDecimal(5, 2))
    switch_count: Mapped[int | None] = mapped_column(StrictInteger(), server_default="0")
    instance_count: Mapped[int | None] = mapped_column(StrictInteger(), server_default="0")
    computed_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())


class ClientsDailySnapshot(Base):
    """How many clients there were on a day."""

    __tablename__ = "clients_daily_snapshot"
    __table_args__ = (Index("idx_snapshot_date", text("snapshot_date DESC")),)

    snapshot_date: Mapped[date] = mapped_column(StrictDate(), primary_key=True)
    total_clients: Mapped[int] = mapped_column(StrictInteger(), server_default="0")
    new_clients_today: Mapped[int] = mapped_column(StrictInteger(), server_default="0")
    active_clients: Mapped[int] = mapped_column(StrictInteger(), server_default="0")
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
