"""Projects: what money and time are booked on."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Date, DateTime, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.assistant.models.base import Base
from backend.assistant.models.exact import money


class Project(Base):
    """A project, the same one for finance and for time tracking."""

    __tablename__ = "projects"
    __table_args__ = (
        Index("idx_projects_status_name", "status", "name"),
        Index("idx_projects_name", "name"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    client_name: Mapped[str | None] = mapped_column(String(200))
    hourly_rate: Mapped[Decimal] = mapped_column(money())
    total_budget: Mapped[Decimal | None] = mapped_column(money())
    status: Mapped[str] = mapped_column(String(20))
    start_date: Mapped[date | None] = mapped_column(Date)
    end_date: Mapped[date | None] = mapped_column(Date)
    description: Mapped[str | None] = mapped_column(Text)
    color: Mapped[str] = mapped_column(String(7))
    created_at: Mapped[datetime] = mapped_column(DateTime)
