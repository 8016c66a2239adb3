"""Money: what is billed, earned, spent, planned and aimed at."""

import datetime
from decimal import Decimal

from sqlalchemy import Boolean, Date, DateTime, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.assistant.models.base import Base
from backend.assistant.models.exact import Exact, money


class Invoice(Base):
    """A bill to a client: draft, sent or paid. That a sent one is overdue is told by its date, and not stored."""

    __tablename__ = "invoices"
    __table_args__ = (
        UniqueConstraint("invoice_number", name="uq_invoices_number"),
        Index("idx_invoices_newest", "date_created", "id"),
        Index("idx_invoices_status_newest", "status", "date_created", "id"),
        Index("idx_invoices_client_newest", "client_name", "date_created", "id"),
        Index("idx_invoices_status_due", "status", "date_due"),
        Index("idx_invoices_status_paid", "status", "date_paid", "id"),
        Index("idx_invoices_project", "project_id"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    invoice_number: Mapped[str] = mapped_column(String(40))
    client_name: Mapped[str] = mapped_column(String(200))
    client_email: Mapped[str | None] = mapped_column(String(254))
    project_id: Mapped[int | None] = mapped_column(
        ForeignKey("projects.id", name="fk_invoices_project", ondelete="SET NULL")
    )
    amount: Mapped[Decimal] = mapped_column(money())
    tax_rate: Mapped[Decimal] = mapped_column(Exact(7, 4))
    tax_amount: Mapped[Decimal] = mapped_column(money())
    total_amount: Mapped[Decimal] = mapped_column(money())
    currency: Mapped[str] = mapped_column(String(3))
    date_created: Mapped[datetime.date] = mapped_column(Date)
    date_due: Mapped[datetime.date] = mapped_column(Date)
    date_paid: Mapped[datetime.date | None] = mapped_column(Date)
    status: Mapped[str] = mapped_column(String(20))
    description: Mapped[str | None] = mapped_column(Text)
    notes: Mapped[str | None] = mapped_column(Text)
    payment_terms: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime)


class Expense(Base):
    """Money spent."""

    __tablename__ = "expenses"
    __table_args__ = (
        Index("idx_expenses_newest", "date", "id"),
        Index("idx_expenses_category_newest", "category", "date", "id"),
        Index("idx_expenses_project_newest", "project_id", "date", "id"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    description: Mapped[str] = mapped_column(String(500))
    amount: Mapped[Decimal] = mapped_column(money())
    category: Mapped[str] = mapped_column(String(100))
    subcategory: Mapped[str | None] = mapped_column(String(100))
    vendor: Mapped[str | None] = mapped_column(String(200))
    date: Mapped[datetime.date] = mapped_column(Date)
    receipt_path: Mapped[str | None] = mapped_column(String(500))
    tax_deductible: Mapped[bool] = mapped_column(Boolean)
    project_id: Mapped[int | None] = mapped_column(
        ForeignKey("projects.id", name="fk_expenses_project", ondelete="SET NULL")
    )
    notes: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime)


class Income(Base):
    """Money received without an invoice."""

    __tablename__ = "incomes"
    __table_args__ = (
        Index("idx_incomes_newest", "date", "id"),
        Index("idx_incomes_category_newest", "category", "date", "id"),
        Index("idx_incomes_project", "project_id"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    description: Mapped[str] = mapped_column(String(500))
    amount: Mapped[Decimal] = mapped_column(money())
    category: Mapped[str] = mapped_column(String(100))
    client_name: Mapped[str | None] = mapped_column(String(200))
    date: Mapped[datetime.date] = mapped_column(Date)
    project_id: Mapped[int | None] = mapped_column(
        ForeignKey("projects.id", name="fk_incomes_project", ondelete="SET NULL")
    )
    notes: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime)


class Budget(Base):
    """What may be spent on a category in each month, quarter or year."""

    __tablename__ = "budgets"
    __table_args__ = (UniqueConstraint("category", "period", name="uq_budgets_category_period"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    category: Mapped[str] = mapped_column(String(100))
    period: Mapped[str] = mapped_column(String(10))
    amount: Mapped[Decimal] = mapped_column(money())
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime)
    updated_at: Mapped[datetime.datetime] = mapped_column(DateTime)


class TimeEntry(Base):
    """Hours worked on a day, told by hand."""

    __tablename__ = "time_entries"
    __table_args__ = (
        Index("idx_time_entries_newest", "date", "id"),
        Index("idx_time_entries_project_newest", "project_id", "date", "id"),
        Index("idx_time_entries_invoice", "invoice_id"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", name="fk_time_entries_project"))
    description: Mapped[str | None] = mapped_column(Text)
    hours: Mapped[Decimal] = mapped_column(Exact(5, 2))
    hourly_rate: Mapped[Decimal] = mapped_column(money())
    total_amount: Mapped[Decimal] = mapped_column(money())
    date: Mapped[datetime.date] = mapped_column(Date)
    billable: Mapped[bool] = mapped_column(Boolean)
    invoiced: Mapped[bool] = mapped_column(Boolean)
    invoice_id: Mapped[int | None] = mapped_column(
        ForeignKey("invoices.id", name="fk_time_entries_invoice", ondelete="SET NULL")
    )
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime)


class FinancialGoal(Base):
    """A sum to be reached."""

    __tablename__ = "financial_goals"
    __table_args__ = (Index("idx_financial_goals_target", "target_date", "id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    goal_name: Mapped[str] = mapped_column(String(200))
    target_amount: Mapped[Decimal] = mapped_column(money())
    current_amount: Mapped[Decimal] = mapped_column(money())
    target_date: Mapped[datetime.date | None] = mapped_column(Date)
    category: Mapped[str | None] = mapped_column(String(100))
    description: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime)
