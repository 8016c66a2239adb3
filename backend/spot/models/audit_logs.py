"""Who did what as an administrator."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.strict_types import JsonText, StrictString, StrictText, StrictTimestamp
from backend.spot.models.base import Base


class AuditLog(Base):
    """One administrative action."""

    __tablename__ = "audit_logs"
    __table_args__ = (
        Index("idx_audit_action", "action"),
        Index("idx_audit_actor", "actor_type", "actor_id"),
        Index("idx_audit_entity", "entity_type", "entity_id"),
        Index("idx_audit_time", text("created_at DESC")),
    )

    id: Mapped[str] = mapped_column(StrictString(36), primary_key=True)
    entity_type: Mapped[str | None] = mapped_column(StrictString(50))
    entity_id: Mapped[str | None] = mapped_column(StrictString(36))
    action: Mapped[str | None] = mapped_column(StrictString(100))
    actor_type: Mapped[str | None] = mapped_column(StrictString(50))
    actor_id: Mapped[str | None] = mapped_column(StrictString(100))
    details: Mapped[Any | None] = mapped_column(JsonText())
    changes: Mapped[Any | None] = mapped_column(JsonText())
    ip_address: Mapped[str | None] = mapped_column(StrictString(45))
    user_agent: Mapped[str | None] = mapped_column(StrictText())
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
