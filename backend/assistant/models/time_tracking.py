"""Time: what the timer measured, its breaks, what was done meanwhile, and what a day was to bring."""

import datetime
from decimal import Decimal

from sqlalchemy import Boolean, Date, DateTime, ForeignKey, Index, Integer, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.assistant.models.base import Base
from backend.assistant.models.exact import Exact, money


class TimeSession(Base):
    """What one run of the timer measured, in UTC to the second.

    `open_slot` is 1 until the session is stopped and NULL afterwards: being unique, it keeps a second timer from being
    started, whoever else is starting one at that moment.
    """

    __tablename__ = "time_sessions"
    __table_args__ = (
        UniqueConstraint("open_slot", name="uq_time_sessions_open"),
        Index("idx_time_sessions_newest", "start_time", "id"),
        Index("idx_time_sessions_end", "end_time"),
        Index("idx_time_sessions_project_newest", "project_id", "start_time", "id"),
        Index("idx_time_sessions_invoice", "invoice_id"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", name="fk_time_sessions_project"))
    open_slot: Mapped[int | None] = mapped_column(SmallInteger)
    start_time: Mapped[datetime.datetime] = mapped_column(DateTime)
    end_time: Mapped[datetime.datetime | None] = mapped_column(DateTime)
    duration_seconds: Mapped[int] = mapped_column(Integer)
    description: Mapped[str | None] = mapped_column(Text)
    tags: Mapped[str | None] = mapped_column(String(500))
    hourly_rate: Mapped[Decimal] = mapped_column(money())
    billable: Mapped[bool] = mapped_column(Boolean)
    invoiced: Mapped[bool] = mapped_column(Boolean)
    invoice_id: Mapped[int | None] = mapped_column(
        ForeignKey("invoices.id", name="fk_time_sessions_invoice", ondelete="SET NULL")
    )
    productivity_score: Mapped[int] = mapped_column(Integer)
    break_time_seconds: Mapped[int] = mapped_column(Integer)
    idle_time_seconds: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime)


class ActivityLog(Base):
    """What a program or a person did meanwhile."""

    __tablename__ = "activity_logs"
    __table_args__ = (
        Index("idx_activity_logs_newest", "timestamp", "id"),
        Index("idx_activity_logs_session_newest", "session_id", "timestamp", "id"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    session_id: Mapped[int | None] = mapped_column(
        ForeignKey("time_sessions.id", name="fk_activity_logs_session", ondelete="CASCADE")
    )
    activity_type: Mapped[str] = mapped_column(String(50))
    application_name: Mapped[str | None] = mapped_column(String(200))
    window_title: Mapped[str | None] = mapped_column(String(500))
    url: Mapped[str | None] = mapped_column(Text)
    timestamp: Mapped[datetime.datetime] = mapped_column(DateTime)
    duration_seconds: Mapped[int] = mapped_column(Integer)
    productivity_category: Mapped[str] = mapped_column(String(20))


class Break(Base):
    """A stretch of a session in which nobody worked; without an end while it lasts."""

    __tablename__ = "breaks"
    __table_args__ = (
        Index("idx_breaks_newest", "start_time", "id"),
        Index("idx_breaks_session_newest", "session_id", "start_time", "id"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    session_id: Mapped[int] = mapped_column(
        ForeignKey("time_sessions.id", name="fk_breaks_session", ondelete="CASCADE")
    )
    break_type: Mapped[str] = mapped_column(String(50))
    start_time: Mapped[datetime.datetime] = mapped_column(DateTime)
    end_time: Mapped[datetime.datetime | None] = mapped_column(DateTime)
    duration_seconds: Mapped[int] = mapped_column(Integer)
    reason: Mapped[str | None] = mapped_column(String(500))


class DailyGoal(Base):
    """What a day was to bring; the actual figures are as of the last time somebody asked for the goal."""

    __tablename__ = "daily_goals"
    __table_args__ = (UniqueConstraint("date", name="uq_daily_goals_date"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    date: Mapped[datetime.date] = mapped_column(Date)
    target_hours: Mapped[Decimal] = mapped_column(Exact(5, 2))
    target_billable_hours: Mapped[Decimal | None] = mapped_column(Exact(5, 2))
    target_revenue: Mapped[Decimal] = mapped_column(money())
    actual_hours: Mapped[Decimal] = mapped_column(Exact(7, 2))
    actual_billable_hours: Mapped[Decimal] = mapped_column(Exact(7, 2))
    actual_revenue: Mapped[Decimal] = mapped_column(money())
    notes: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime)
