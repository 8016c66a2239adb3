"""Tailor packs that are installed."""

import datetime

from sqlalchemy import BigInteger, Boolean, DateTime, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.assistant.models.base import Base


class TailorPack(Base):
    """A pack; its files lie in `directory` below the directory of packs. `features` and `dependencies` are JSON lists.

    `active` is what was chosen: a pack whose trial has ended is not active all the same. `size` is in bytes.
    """

    __tablename__ = "tailor_packs"
    __table_args__ = (UniqueConstraint("pack_id", name="uq_tailor_packs_pack"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    pack_id: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(200))
    version: Mapped[str] = mapped_column(String(60))
    description: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(String(200))
    target_audience: Mapped[str] = mapped_column(String(20))
    business_category: Mapped[str] = mapped_column(String(20))
    features: Mapped[str] = mapped_column(Text)
    dependencies: Mapped[str] = mapped_column(Text)
    license_required: Mapped[bool] = mapped_column(Boolean)
    licensed: Mapped[bool] = mapped_column(Boolean)
    trial_ends_at: Mapped[datetime.datetime | None] = mapped_column(DateTime)
    active: Mapped[bool] = mapped_column(Boolean)
    directory: Mapped[str] = mapped_column(String(150))
    size: Mapped[int] = mapped_column(BigInteger)
    installed_at: Mapped[datetime.datetime] = mapped_column(DateTime)
    updated_at: Mapped[datetime.datetime] = mapped_column(DateTime)
