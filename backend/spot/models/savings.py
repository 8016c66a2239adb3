"""What clients paid and saved, and how many there were."""

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


class SavingsSnapshot(Base):
    """What a client saved on a day."""

    __tablename__ = "savings_snapshots"
    __table_args__ = (
        UniqueConstraint("client_id", "snapshot_date", name="uk_client_date"),
        Index("idx_snapshot_date", "snapshot_date"),
    )

    id: Mapped[int] = mapped_column(StrictInteger(), primary_key=True)
    client_id: Mapped[str] = mapped_column(
        StrictString(36), ForeignKey("clients.id", name="savings_snapshots_ibfk_1", ondelete="CASCADE")
    )
    snapshot_date: Mapped[date] = mapped_column(StrictDate())
    total_savings: Mapped[float | None] = mapped_column(StrictDecimal(15, 4), server_default="0")
    daily_savings: Mapped[float | None] = mapped_column(StrictDecimal(15, 4), server_default="0")
    spot_hours: Mapped[float | None] = mapped_column(StrictDecimal(10, 2), server_default="0")
    ondemand_hours: Mapped[float | None] = mapped_column(StrictDecimal(10, 2), server_default="0")
    total_cost: Mapped[float | None] = mapped_column(StrictDecimal(15, 4), server_default="0")
    would_be_cost: Mapped[float | None] = mapped_column(StrictDecimal(15, 4), server_default="0")
    average_savings_percent: Mapped[float | None] = mapped_column(StrictDecimal(5, 2), server_default="0")
    switch_count: Mapped[int | None] = mapped_column(StrictInteger(), server_default="0")
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    updated_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())


class CostRecord(Base):
    """What an agent's instance cost in a period, and what that saved."""

    __tablename__ = "cost_records"
    __table_args__ = (
        Index("idx_cost_client", "client_id"),
        Index("idx_cost_agent", "agent_id"),
        Index("idx_cost_period", "period_start", "period_end"),
        Index("idx_cost_mode", "mode"),
    )

    id: Mapped[str] = mapped_column(StrictString(36), primary_key=True)
    client_id: Mapped[str] = mapped_column(
        StrictString(36), ForeignKey("clients.id", name="fk_cost_client", ondelete="CASCADE")
    )
    agent_id: Mapped[str] = mapped_column(
        StrictString(36), ForeignKey("agents.id", name="fk_cost_agent", ondelete="CASCADE")
    )
    period_start: Mapped[datetime] = mapped_column(StrictTimestamp())
    period_end: Mapped[datetime] = mapped_column(StrictTimestamp())
    instance_id: Mapped[str | None] = mapped_column(StrictString(50))
    instance_type: Mapped[str | None] = mapped_column(StrictString(50))
    mode: Mapped[str | None] = mapped_column(StrictString(20))
    region: Mapped[str | None] = mapped_column(StrictString(50))
    hours_running: Mapped[float | None] = mapped_column(StrictDecimal(10, 4))
    actual_cost: Mapped[float | None] = mapped_column(StrictDecimal(12, 6))
    ondemand_cost: Mapped[float | None] = mapped_column(StrictDecimal(12, 6))
    baseline_cost: Mapped[float | None] = mapped_column(StrictDecimal(15, 4))
    savings: Mapped[float | None] = mapped_column(StrictDecimal(12, 6))
    savings_percentage: Mapped[float | None] = mapped_column(StrictDecimal(5, 2))
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
