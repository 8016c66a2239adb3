"""From raw price submissions to one price per pool and bucket."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func
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


class PriceSubmission(Base):
    """One price as it was submitted."""

    __tablename__ = "pricing_submissions_raw"
    __table_args__ = (
        UniqueConstraint("submission_id", name="None"),
        Index("idx_agent_submitted", "source_agent_id", "submitted_at"),
        Index("idx_duplicate", "is_duplicate", "processed"),
        Index("idx_pool_observed", "pool_id", "observed_at"),
        Index("idx_received", "received_at"),
        Index("idx_submission_id", "submission_id"),
    )

    id: Mapped[int] = mapped_column(StrictInteger(64), primary_key=True)
    submission_id: Mapped[str] = mapped_column(StrictString(36))
    source_instance_id: Mapped[str] = mapped_column(StrictString(255))
    source_agent_id: Mapped[str] = mapped_column(StrictString(255))
    source_type: Mapped[str] = mapped_column(StrictEnum("primary", "replica-manual", "replica-automatic"))
    pool_id: Mapped[str] = mapped_column(
        StrictString(128), ForeignKey("spot_pools.id", name="pricing_submissions_raw_ibfk_1", ondelete="CASCADE")
    )
    instance_type: Mapped[str] = mapped_column(StrictString(50))
    region: Mapped[str] = mapped_column(StrictString(50))
    az: Mapped[str] = mapped_column(StrictString(50))
    spot_price: Mapped[float] = mapped_column(StrictDecimal(10, 6))
    ondemand_price: Mapped[float | None] = mapped_column(StrictDecimal(10, 6))
    observed_at: Mapped[datetime] = mapped_column(StrictTimestamp())
    submitted_at: Mapped[datetime] = mapped_column(StrictTimestamp())
    received_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    client_id: Mapped[str | None] = mapped_column(StrictString(36))
    batch_id: Mapped[str | None] = mapped_column(StrictString(100))
    is_duplicate: Mapped[int | None] = mapped_column(StrictFlag(), server_default="0")
    duplicate_of: Mapped[str | None] = mapped_column(StrictString(36))
    processed: Mapped[int | None] = mapped_column(StrictFlag(), server_default="0")
    processed_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())


class DataProcessingJob(Base):
    """One run over the prices, and what it did."""

    __tablename__ = "data_processing_jobs"
    __table_args__ = (
        Index("idx_created", "created_at"),
        Index("idx_job_type_status", "job_type", "status"),
        Index("idx_status", "status"),
    )

    id: Mapped[int] = mapped_column(StrictInteger(64), primary_key=True)
    job_type: Mapped[str] = mapped_column(StrictEnum("deduplication", "interpolation", "gap-filling", "cleanup"))
    status: Mapped[str] = mapped_column(
        StrictEnum("pending", "running", "completed", "failed"), server_default="pending"
    )
    start_time: Mapped[datetime] = mapped_column(StrictTimestamp())
    end_time: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    records_processed: Mapped[int | None] = mapped_column(StrictInteger(), server_default="0")
    records_inserted: Mapped[int | None] = mapped_column(StrictInteger(), server_default="0")
    records_updated: Mapped[int | None] = mapped_column(StrictInteger(), server_default="0")
    records_deleted: Mapped[int | None] = mapped_column(StrictInteger(), server_default="0")
    error_message: Mapped[str | None] = mapped_column(StrictText())
    metadata_: Mapped[Any | None] = mapped_column("metadata", JsonText())
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    completed_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    duplicates_found: Mapped[int | None] = mapped_column(StrictInteger())
    gaps_filled: Mapped[int | None] = mapped_column(StrictInteger())
    interpolations_created: Mapped[int | None] = mapped_column(StrictInteger())
    result_summary: Mapped[Any | None] = mapped_column(JsonText())
    error_log: Mapped[str | None] = mapped_column(StrictText())


class InterpolatedPriceSnapshot(Base):
    """A price that was worked out for a bucket without one."""

    __tablename__ = "pricing_snapshots_interpolated"
    __table_args__ = (
        UniqueConstraint("pool_id", "time_bucket", name="unique_pool_bucket"),
        Index("idx_confidence", "confidence_score"),
        Index("idx_pool_time", "pool_id", "time_bucket"),
    )

    id: Mapped[int] = mapped_column(StrictInteger(64), primary_key=True)
    pool_id: Mapped[str] = mapped_column(
        StrictString(128), ForeignKey("spot_pools.id", name="pricing_snapshots_interpolated_ibfk_1", ondelete="CASCADE")
    )
    instance_type: Mapped[str] = mapped_column(StrictString(50))
    region: Mapped[str] = mapped_column(StrictString(50))
    az: Mapped[str] = mapped_column(StrictString(50))
    spot_price: Mapped[float] = mapped_column(StrictDecimal(10, 6))
    time_bucket: Mapped[datetime] = mapped_column(StrictTimestamp())
    interpolated_from_before: Mapped[int | None] = mapped_column(
        StrictInteger(64),
        ForeignKey("pricing_snapshots_clean.id", name="pricing_snapshots_interpolated_ibfk_2", ondelete="SET NULL"),
    )
    interpolated_from_after: Mapped[int | None] = mapped_column(
        StrictInteger(64),
        ForeignKey("pricing_snapshots_clean.id", name="pricing_snapshots_interpolated_ibfk_3", ondelete="SET NULL"),
    )
    confidence_score: Mapped[float] = mapped_column(StrictDecimal(3, 2), server_default="0.80")
    gap_duration_minutes: Mapped[int | None] = mapped_column(StrictInteger())
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    gap_type: Mapped[str | None] = mapped_column(StrictString(16))
    interpolation_method: Mapped[str | None] = mapped_column(StrictString(32))
    price_before: Mapped[float | None] = mapped_column(StrictDecimal(10, 6))
    price_after: Mapped[float | None] = mapped_column(StrictDecimal(10, 6))
    timestamp_before: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    timestamp_after: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    interpolated_price: Mapped[float | None] = mapped_column(StrictDecimal(10, 6))
