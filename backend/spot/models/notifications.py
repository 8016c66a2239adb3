"""What people and operators are told."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.strict_types import JsonText, StrictFlag, StrictInteger, StrictString, StrictText, StrictTimestamp
from backend.spot.models.base import Base


class Notification(Base):
    """A message to a client."""

    __tablename__ = "notifications"
    __table_args__ = (
        Index("idx_notifications_client", "client_id"),
        Index("idx_notifications_client_newest", "client_id", "created_at"),
        Index("idx_notifications_client_read", "client_id", "is_read"),
        Index("idx_notifications_unread", "client_id", "is_read"),
        Index("idx_notifications_created", text("created_at DESC")),
        Index("idx_notifications_read", "is_read"),
        Index("idx_notifications_type", "notification_type"),
    )

    id: Mapped[str] = mapped_column(StrictString(36), primary_key=True)
    client_id: Mapped[str] = mapped_column(
        StrictString(36), ForeignKey("clients.id", name="fk_notifications_client", ondelete="CASCADE")
    )
    agent_id: Mapped[str | None] = mapped_column(
        StrictString(36), ForeignKey("agents.id", name="fk_notifications_agent", ondelete="SET NULL")
    )
    notification_type: Mapped[str | None] = mapped_column(StrictString(50))
    title: Mapped[str | None] = mapped_column(StrictString(255))
    message: Mapped[str] = mapped_column(StrictText())
    severity: Mapped[str | None] = mapped_column(StrictString(20), server_default="info")
    is_read: Mapped[int | None] = mapped_column(StrictFlag(), server_default="0")
    sent_email: Mapped[int | None] = mapped_column(StrictFlag(), server_default="0")
    sent_webhook: Mapped[int | None] = mapped_column(StrictFlag(), server_default="0")
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())


class SystemEvent(Base):
    """An entry in the log of operators."""

    __tablename__ = "system_events"
    __table_args__ = (
        Index("idx_system_events_type_time", "event_type", text("created_at DESC")),
        Index("idx_system_events_severity", "severity"),
        Index("idx_system_events_newest", "created_at", "id"),
        Index("idx_system_events_agent_newest", "agent_id", "created_at", "id"),
        Index("idx_system_events_client", "client_id"),
        Index("idx_system_events_created", text("created_at DESC")),
    )

    id: Mapped[int] = mapped_column(StrictInteger(64), primary_key=True)
    event_type: Mapped[str] = mapped_column(StrictString(64))
    severity: Mapped[str | None] = mapped_column(StrictString(20), server_default="info")
    client_id: Mapped[str | None] = mapped_column(
        StrictString(36), ForeignKey("clients.id", name="fk_system_events_client", ondelete="CASCADE")
    )
    agent_id: Mapped[str | None] = mapped_column(
        StrictString(36), ForeignKey("agents.id", name="fk_system_events_agent", ondelete="SET NULL")
    )
    instance_id: Mapped[str | None] = mapped_column(StrictString(64))
    message: Mapped[str | None] = mapped_column(StrictText())
    metadata_: Mapped[Any | None] = mapped_column("metadata", JsonText())
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
