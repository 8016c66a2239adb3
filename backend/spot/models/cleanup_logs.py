"""What agents deleted."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.strict_types import JsonText, StrictEnum, StrictInteger, StrictString, StrictTimestamp
from backend.spot.models.base import Base


class CleanupLog(Base):
    """One report about deleted snapshots and images."""

    __tablename__ = "cleanup_logs"
    __table_args__ = (
        Index("idx_agent_id", "agent_id"),
        Index("idx_client_id", "client_id"),
        Index("idx_executed_at", "executed_at"),
    )

    id: Mapped[int] = mapped_column(StrictInteger(), primary_key=True)
    agent_id: Mapped[str | None] = mapped_column(
        StrictString(36), ForeignKey("agents.id", name="cleanup_logs_ibfk_1", ondelete="CASCADE")
    )
    client_id: Mapped[str | None] = mapped_column(
        StrictString(36), ForeignKey("clients.id", name="cleanup_logs_ibfk_2", ondelete="CASCADE")
    )
    cleanup_type: Mapped[str] = mapped_column(StrictEnum("snapshots", "amis", "full"))
    deleted_snapshots_count: Mapped[int | None] = mapped_column(StrictInteger(), server_default="0")
    deleted_amis_count: Mapped[int | None] = mapped_column(StrictInteger(), server_default="0")
    failed_count: Mapped[int | None] = mapped_column(StrictInteger(), server_default="0")
    details: Mapped[Any | None] = mapped_column(JsonText())
    cutoff_date: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    executed_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
