"""What agents are told to do: the queue, and the older queue it replaced."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.strict_types import JsonText, StrictFlag, StrictInteger, StrictString, StrictText, StrictTimestamp
from backend.spot.models.base import Base


class Command(Base):
    """A command in the queue of an agent."""

    __tablename__ = "commands"
    __table_args__ = (
        Index("idx_commands_client", "client_id"),
        Index("idx_commands_agent", "agent_id"),
        Index("idx_commands_status", "status"),
        Index("idx_commands_priority", text("priority DESC")),
        Index("idx_commands_pending", "agent_id", "status"),
        Index("idx_commands_type", "command_type"),
        Index("idx_commands_created", "created_at"),
    )

    id: Mapped[str] = mapped_column(StrictString(36), primary_key=True)
    client_id: Mapped[str] = mapped_column(
        StrictString(36), ForeignKey("clients.id", name="fk_commands_client", ondelete="CASCADE")
    )
    agent_id: Mapped[str] = mapped_column(
        StrictString(36), ForeignKey("agents.id", name="fk_commands_agent", ondelete="CASCADE")
    )
    command_type: Mapped[str] = mapped_column(StrictString(50))
    target_mode: Mapped[str | None] = mapped_column(StrictString(20))
    target_pool_id: Mapped[str | None] = mapped_column(StrictString(100))
    instance_id: Mapped[str | None] = mapped_column(StrictString(50))
    priority: Mapped[int | None] = mapped_column(StrictInteger(), server_default="25")
    terminate_wait_seconds: Mapped[int | None] = mapped_column(StrictInteger())
    status: Mapped[str | None] = mapped_column(StrictString(20), server_default="pending")
    success: Mapped[int | None] = mapped_column(StrictFlag())
    message: Mapped[str | None] = mapped_column(StrictText())
    execution_result: Mapped[Any | None] = mapped_column(JsonText())
    created_by: Mapped[str | None] = mapped_column(StrictString(100))
    trigger_type: Mapped[str | None] = mapped_column(StrictString(20))
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    executed_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    completed_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())


class PendingSwitchCommand(Base):
    """A command of the older queue, numbered instead of named."""

    __tablename__ = "pending_switch_commands"
    __table_args__ = (
        Index("idx_pending_agent", "agent_id", "executed_at"),
        Index("idx_pending_priority", text("priority DESC")),
        Index("idx_pending_created", "created_at"),
    )

    id: Mapped[int] = mapped_column(StrictInteger(64), primary_key=True)
    client_id: Mapped[str] = mapped_column(
        StrictString(36), ForeignKey("clients.id", name="fk_pending_client", ondelete="CASCADE")
    )
    agent_id: Mapped[str] = mapped_column(
        StrictString(36), ForeignKey("agents.id", name="fk_pending_agent", ondelete="CASCADE")
    )
    instance_id: Mapped[str] = mapped_column(StrictString(64))
    target_mode: Mapped[str] = mapped_column(StrictString(20))
    target_pool_id: Mapped[str | None] = mapped_column(StrictString(128))
    priority: Mapped[int | None] = mapped_column(StrictInteger(), server_default="50")
    terminate_wait_seconds: Mapped[int | None] = mapped_column(StrictInteger(), server_default="300")
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    executed_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    execution_result: Mapped[Any | None] = mapped_column(JsonText())
