"""Invoices, expenses, incomes, budgets, hours and goals."""

import sqlalchemy as sa

from backend.assistant.migrations.baseline.words import exact, table

table(
    "invoices",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("invoice_number", sa.String(40), nullable=False),
    sa.Column("client_name", sa.String(200), nullable=False),
    sa.Column("client_email", sa.String(254)),
    sa.Column("project_id", sa.Integer()),
    sa.Column("amount", exact(12, 2), nullable=False),
    sa.Column("tax_rate", exact(7, 4), nullable=False),
    sa.Column("tax_amount", exact(12, 2), nullable=False),
    sa.Column("total_amount", exact(12, 2), nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("date_created", sa.Date(), nullable=False),
    sa.Column("date_due", sa.Date(), nullable=False),
    sa.Column("date_paid", sa.Date()),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("description", sa.Text()),
    sa.Column("notes", sa.Text()),
    sa.Column("payment_terms", sa.String(200)),
    sa.Column("created_at", sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_invoices_project", ondelete="SET NULL"),
    sa.UniqueConstraint("invoice_number", name="uq_invoices_number"),
    sa.Index("idx_invoices_client_newest", "client_name", "date_created", "id"),
    sa.Index("idx_invoices_newest", "date_created", "id"),
    sa.Index("idx_invoices_project", "project_id"),
    sa.Index("idx_invoices_status_due", "status", "date_due"),
    sa.Index("idx_invoices_status_newest", "status", "date_created", "id"),
    sa.Index("idx_invoices_status_paid", "status", "date_paid", "id"),
)

table(
    "expenses",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("description", sa.String(500), nullable=False),
    sa.Column("amount", exact(12, 2), nullable=False),
    sa.Column("category", sa.String(100), nullable=False),
    sa.Column("subcategory", sa.String(100)),
    sa.Column("vendor", sa.String(200)),
    sa.Column("date", sa.Date(), nullable=False),
    sa.Column("receipt_path", sa.String(500)),
    sa.Column("tax_deductible", sa.Boolean(), nullable=False),
    sa.Column("project_id", sa.Integer()),
    sa.Column("notes", sa.Text()),
    sa.Column("created_at", sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_expenses_project", ondelete="SET NULL"),
    sa.Index("idx_expenses_category_newest", "category", "date", "id"),
    sa.Index("idx_expenses_newest", "date", "id"),
    sa.Index("idx_expenses_project_newest", "project_id", "date", "id"),
)

table(
    "incomes",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("description", sa.String(500), nullable=False),
    sa.Column("amount", exact(12, 2), nullable=False),
    sa.Column("category", sa.String(100), nullable=False),
    sa.Column("client_name", sa.String(200)),
    sa.Column("date", sa.Date(), nullable=False),
    sa.Column("project_id", sa.Integer()),
    sa.Column("notes", sa.Text()),
    sa.Column("created_at", sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_incomes_project", ondelete="SET NULL"),
    sa.Index("idx_incomes_category_newest", "category", "date", "id"),
    sa.Index("idx_incomes_newest", "date", "id"),
    sa.Index("idx_incomes_project", "project_id"),
)

table(
    "budgets",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("category", sa.String(100), nullable=False),
    sa.Column("period", sa.String(10), nullable=False),
    sa.Column("amount", exact(12, 2), nullable=False),
    sa.Column("created_at", sa.DateTime(), nullable=False),
    sa.Column("updated_at", sa.DateTime(), nullable=False),
    sa.UniqueConstraint("category", "period", name="uq_budgets_category_period"),
)

table(
    "time_entries",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("project_id", sa.Integer(), nullable=False),
    sa.Column("description", sa.Text()),
    sa.Column("hours", exact(5, 2), nullable=False),
    sa.Column("hourly_rate", exact(12, 2), nullable=False),
    sa.Column("total_amount", exact(12, 2), nullable=False),
    sa.Column("date", sa.Date(), nullable=False),
    sa.Column("billable", sa.Boolean(), nullable=False),
    sa.Column("invoiced", sa.Boolean(), nullable=False),
    sa.Column("invoice_id", sa.Integer()),
    sa.Column("created_at", sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_time_entries_project"),
    sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name="fk_time_entries_invoice", ondelete="SET NULL"),
    sa.Index("idx_time_entries_invoice", "invoice_id"),
    sa.Index("idx_time_entries_newest", "date", "id"),
    sa.Index("idx_time_entries_project_newest", "project_id", "date", "id"),
)

table(
    "financial_goals",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("goal_name", sa.String(200), nullable=False),
    sa.Column("target_amount", exact(12, 2), nullable=False),
    sa.Column("current_amount", exact(12, 2), nullable=False),
    sa.Column("target_date", sa.Date()),
    sa.Column("category", sa.String(100)),
    sa.Column("description", sa.Text()),
    sa.Column("created_at", sa.DateTime(), nullable=False),
    sa.Index("idx_financial_goals_target", "target_date", "id"),
)
