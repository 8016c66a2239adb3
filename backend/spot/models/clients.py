"""Who pays and who is served."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, func
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.strict_types import JsonText, StrictDecimal, StrictFlag, StrictInteger, StrictString, StrictTimestamp
from backend.spot.models.base import Base


class Client(Base):
    """A tenant; its token lets its agents in."""

    __tablename__ = "clients"
    __table_args__ = (
        Index("idx_clients_token", "client_token"),
        Index("idx_clients_token_hash", "client_token_hash"),
        Index("idx_clients_status", "status"),
        Index("idx_clients_active", "is_active"),
        Index("idx_clients_created", "created_at"),
    )

    id: Mapped[str] = mapped_column(StrictString(36), primary_key=True)
    name: Mapped[str] = mapped_column(StrictString(255))
    email: Mapped[str] = mapped_column(StrictString(255), unique=True)
    client_token: Mapped[str] = mapped_column(StrictString(255), unique=True)
    client_token_hash: Mapped[str | None] = mapped_column(StrictString(64))
    plan: Mapped[str | None] = mapped_column(StrictString(50), server_default="free")
    max_agents: Mapped[int | None] = mapped_column(StrictInteger(), server_default="5")
    max_instances: Mapped[int | None] = mapped_column(StrictInteger(), server_default="10")
    status: Mapped[str | None] = mapped_column(StrictString(20), server_default="active")
    is_active: Mapped[int | None] = mapped_column(StrictFlag(), server_default="1")
    total_savings: Mapped[float | None] = mapped_column(StrictDecimal(15, 4), server_default="0.0000")
    default_auto_terminate: Mapped[int | None] = mapped_column(StrictFlag(), server_default="1")
    default_terminate_wait_seconds: Mapped[int | None] = mapped_column(StrictInteger(), server_default="300")
    default_auto_switch_enabled: Mapped[int | None] = mapped_column(StrictFlag(), server_default="1")
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    updated_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    last_sync_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    metadata_: Mapped[Any | None] = mapped_column("metadata", JsonText())
