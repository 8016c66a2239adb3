"""Uploaded models, and what the decision engine loaded."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.strict_types import JsonText, StrictFlag, StrictInteger, StrictString, StrictText, StrictTimestamp
from backend.spot.models.base import Base


class ModelRegistryEntry(Base):
    """A model that a decision engine has loaded."""

    __tablename__ = "model_registry"
    __table_args__ = (
        UniqueConstraint("model_name", "version", name="uk_model_version"),
        Index("idx_model_registry_active", "is_active"),
        Index("idx_model_registry_name", "model_name"),
        Index("idx_model_registry_session", "upload_session_id"),
        Index("idx_model_registry_type_active", "model_type", "is_active"),
    )

    id: Mapped[str] = mapped_column(StrictString(36), primary_key=True)
    model_name: Mapped[str] = mapped_column(StrictString(128))
    model_type: Mapped[str] = mapped_column(StrictString(50))
    version: Mapped[str] = mapped_column(StrictString(32))
    file_path: Mapped[str] = mapped_column(StrictString(512))
    upload_session_id: Mapped[str | None] = mapped_column(StrictString(36))
    is_active: Mapped[int | None] = mapped_column(StrictFlag(), server_default="0")
    is_fallback: Mapped[int | None] = mapped_column(StrictFlag(), server_default="0")
    performance_metrics: Mapped[Any | None] = mapped_column(JsonText())
    config: Mapped[Any | None] = mapped_column(JsonText())
    description: Mapped[str | None] = mapped_column(StrictText())
    loaded_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    updated_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())


class ModelUploadSession(Base):
    """The files of one upload, and whether they are live."""

    __tablename__ = "model_upload_sessions"
    __table_args__ = (
        Index("idx_upload_session_created", text("created_at DESC")),
        Index("idx_upload_session_live", "is_live"),
        Index("idx_upload_session_type_status", "session_type", "status"),
    )

    id: Mapped[str] = mapped_column(StrictString(36), primary_key=True)
    session_type: Mapped[str] = mapped_column(StrictString(20), server_default="models")
    status: Mapped[str | None] = mapped_column(StrictString(20), server_default="active")
    is_live: Mapped[int | None] = mapped_column(StrictFlag(), server_default="0")
    is_fallback: Mapped[int | None] = mapped_column(StrictFlag(), server_default="0")
    file_count: Mapped[int | None] = mapped_column(StrictInteger(), server_default="0")
    file_names: Mapped[Any | None] = mapped_column(JsonText())
    total_size_bytes: Mapped[int | None] = mapped_column(StrictInteger(64), server_default="0")
    uploaded_by: Mapped[str | None] = mapped_column(StrictString(128))
    notes: Mapped[str | None] = mapped_column(StrictText())
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    activated_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    # Added by us: NULL where the old side made the session.
    stored_files: Mapped[Any | None] = mapped_column(JsonText())
    change_number: Mapped[int | None] = mapped_column(StrictInteger())


class EngineUpload(Base):
    """An uploaded decision engine: the newest one is in force.

    `follows` is the id of the upload that it replaced (0 for none): no two uploads can replace the same one.
    """

    __tablename__ = "decision_engine_uploads"
    __table_args__ = (UniqueConstraint("follows", name="uk_engine_upload_follows"),)

    id: Mapped[int] = mapped_column(StrictInteger(64), primary_key=True)
    directory: Mapped[str] = mapped_column(StrictString(36))
    follows: Mapped[int] = mapped_column(StrictInteger(64))
    stored_files: Mapped[Any] = mapped_column(JsonText())
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
