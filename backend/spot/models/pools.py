"""Pools of spot capacity and what they cost."""

from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.strict_types import (
    StrictDecimal,
    StrictEnum,
    StrictFlag,
    StrictInteger,
    StrictString,
    StrictTimestamp,
)
from backend.spot.models.base import Base


class SpotPool(Base):
    """Spot capacity of one instance type in one zone."""

    __tablename__ = "spot_pools"
    __table_args__ = (
        UniqueConstraint("instance_type", "region", "az", name="uk_type_region_az"),
        Index("idx_spot_pools_type_region", "instance_type", "region"),
        Index("idx_spot_pools_az", "az"),
        Index("idx_spot_pools_active", "is_active"),
        Index("idx_spot_pools_name", "pool_name"),
    )

    id: Mapped[str] = mapped_column(StrictString(128), primary_key=True)
    pool_name: Mapped[str | None] = mapped_column(StrictString(255))
    instance_type: Mapped[str] = mapped_column(StrictString(64))
    region: Mapped[str] = mapped_column(StrictString(32))
    az: Mapped[str] = mapped_column(StrictString(48))
    is_active: Mapped[int | None] = mapped_column(StrictFlag(), server_default="1")
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    updated_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())


class SpotPriceSnapshot(Base):
    """A spot price as an agent saw it."""

    __tablename__ = "spot_price_snapshots"
    __table_args__ = (
        Index("idx_spot_snapshots_pool_time", "pool_id", text("captured_at DESC")),
        Index("idx_spot_snapshots_pool_newest", "pool_id", "captured_at", "id", "price"),
        Index("idx_spot_snapshots_captured", text("captured_at DESC")),
        Index("idx_spot_snapshots_pool", "pool_id"),
        Index("idx_spot_snapshots_timeseries", "pool_id", text("recorded_at DESC")),
    )

    id: Mapped[int] = mapped_column(StrictInteger(64), primary_key=True)
    pool_id: Mapped[str] = mapped_column(
        StrictString(128), ForeignKey("spot_pools.id", name="fk_spot_snapshots_pool", ondelete="CASCADE")
    )
    price: Mapped[float] = mapped_column(StrictDecimal(10, 6))
    captured_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    recorded_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())


class SpotPriceHour(Base):
    """All prices of a pool in one hour that have been rolled up, added up: `prices` of them make `total`.

    `hour` counts from the beginning of 1970, UTC.
    """

    __tablename__ = "spot_price_hours"
    __table_args__ = (Index("idx_spot_price_hours_hour", "hour"),)

    pool_id: Mapped[str] = mapped_column(
        StrictString(128),
        ForeignKey("spot_pools.id", name="fk_spot_price_hours_pool", ondelete="CASCADE"),
        primary_key=True,
    )
    hour: Mapped[int] = mapped_column(StrictInteger(), primary_key=True, autoincrement=False)
    total: Mapped[float] = mapped_column(StrictDecimal(22, 6))
    prices: Mapped[int] = mapped_column(StrictInteger())


class SpotPriceRollup(Base):
    """How far prices are rolled up: one row, of id 1. What it counts by are ids of SpotPriceSnapshot.

    Rows up to `rolled_up_to` are in the hours; while it is 0, whatever stands in the hours does not count. No row up to
    `complete_to` can still appear. `noted_id` was the largest id at `noted_at` (the database's clock); on PostgreSQL,
    `noted_horizon` is the first transaction that had not begun then.
    """

    __tablename__ = "spot_price_rollup"

    id: Mapped[int] = mapped_column(StrictInteger(), primary_key=True, autoincrement=False)
    rolled_up_to: Mapped[int] = mapped_column(StrictInteger(64))
    complete_to: Mapped[int] = mapped_column(StrictInteger(64))
    noted_id: Mapped[int | None] = mapped_column(StrictInteger(64))
    noted_at: Mapped[datetime | None] = mapped_column(
        DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
    )
    noted_horizon: Mapped[int | None] = mapped_column(StrictInteger(64))


class OndemandPriceSnapshot(Base):
    """An on-demand price as an agent saw it."""

    __tablename__ = "ondemand_price_snapshots"
    __table_args__ = (
        Index("idx_ondemand_snapshots_type_region_time", "instance_type", "region", text("captured_at DESC")),
        Index("idx_ondemand_snapshots_captured", text("captured_at DESC")),
    )

    id: Mapped[int] = mapped_column(StrictInteger(64), primary_key=True)
    region: Mapped[str] = mapped_column(StrictString(32))
    instance_type: Mapped[str] = mapped_column(StrictString(64))
    price: Mapped[float] = mapped_column(StrictDecimal(10, 6))
    captured_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    recorded_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())


class OndemandPrice(Base):
    """The on-demand price of a type in a region."""

    __tablename__ = "ondemand_prices"
    __table_args__ = (
        UniqueConstraint("instance_type", "region", name="uk_type_region"),
        Index("idx_ondemand_prices_type", "instance_type", "region"),
    )

    id: Mapped[str] = mapped_column(StrictString(36), primary_key=True)
    instance_type: Mapped[str] = mapped_column(StrictString(50))
    region: Mapped[str] = mapped_column(StrictString(50))
    price: Mapped[float] = mapped_column(StrictDecimal(10, 6))
    recorded_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())


class CleanPriceSnapshot(Base):
    """The price of a pool in one bucket of five minutes."""

    __tablename__ = "pricing_snapshots_clean"
    __table_args__ = (
        UniqueConstraint("pool_id", "time_bucket", name="unique_pool_bucket"),
        Index("idx_pool_time", "pool_id", "time_bucket"),
        Index("idx_time_bucket", "time_bucket"),
        Index("idx_instance_type_time", "instance_type", "region", "time_bucket"),
    )

    id: Mapped[int] = mapped_column(StrictInteger(64), primary_key=True)
    pool_id: Mapped[str] = mapped_column(StrictString(128))
    instance_type: Mapped[str] = mapped_column(StrictString(50))
    region: Mapped[str] = mapped_column(StrictString(50))
    az: Mapped[str] = mapped_column(StrictString(50))
    spot_price: Mapped[float] = mapped_column(StrictDecimal(10, 6))
    ondemand_price: Mapped[float | None] = mapped_column(StrictDecimal(10, 6))
    savings_percent: Mapped[float | None] = mapped_column(StrictDecimal(5, 2))
    time_bucket: Mapped[datetime] = mapped_column(StrictTimestamp())
    bucket_start: Mapped[datetime] = mapped_column(StrictTimestamp())
    bucket_end: Mapped[datetime] = mapped_column(StrictTimestamp())
    source_instance_id: Mapped[str | None] = mapped_column(StrictString(255))
    source_agent_id: Mapped[str | None] = mapped_column(StrictString(255))
    source_type: Mapped[str] = mapped_column(
        StrictEnum("primary", "replica-manual", "replica-automatic", "interpolated")
    )
    confidence_score: Mapped[float] = mapped_column(StrictDecimal(3, 2), server_default="1.00")
    data_source: Mapped[str] = mapped_column(StrictEnum("measured", "interpolated"), server_default="measured")
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    source_submission_id: Mapped[str | None] = mapped_column(StrictString(36))
    interpolation_method: Mapped[str | None] = mapped_column(StrictString(32))
