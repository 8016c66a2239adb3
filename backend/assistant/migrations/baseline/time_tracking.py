"""What the timer measured, its breaks, activities and daily goals."""

import sqlalchemy as sa

from backend.assistant.migrations.baseline.words import exact, table

table(
    "time_sessions",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("project_id", sa.Integer(), nullable=False),
    sa.Column("open_slot", sa.SmallInteger()),
    sa.Column("start_time", sa.DateTime(), nullable=False),
    sa.Column("end_time", sa.DateTime()),
    sa.Column("duration_seconds", sa.Integer(), nullable=False),
    sa.Column("description", sa.Text()),
    sa.Column("tags", sa.String(500)),
    sa.Column("hourly_rate", exact(12, 2), nullable=False),
    sa.Column("billable", sa.Boolean(), nullable=False),
    sa.Column("invoiced", sa.Boolean(), nullable=False),
    sa.Column("invoice_id", sa.Integer()),
    sa.Column("productivity_score", sa.Integer(), nullable=False),
    sa.Column("break_time_seconds", sa.Integer(), nullable=False),
    sa.Column("idle_time_seconds", sa.Integer(), nullable=False),
    sa.Column("created_at", sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_time_sessions_project"),
    sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name="fk_time_sessions_invoice", ondelete="SET NULL"),
    sa.UniqueConstraint("open_slot", name="uq_time_sessions_open"),
    sa.Index("idx_time_sessions_end", "end_time"),
    sa.Index("idx_time_sessions_invoice", "invoice_id"),
    sa.Index("idx_time_sessions_newest", "start_time", "id"),
    sa.Index("idx_time_sessions_project_newest", "project_id", "start_time", "id"),
)

table(
    "activity_logs",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("session_id", sa.Integer()),
    sa.Column("activity_type", sa.String(50), nullable=False),
    sa.Column("application_name", sa.String(200)),
    sa.Column("window_title", sa.String(500)),
    sa.Column("url", sa.Text()),
    sa.Column("timestamp", sa.DateTime(), nullable=False),
    sa.Column("duration_seconds", sa.Integer(), nullable=False),
    sa.Column("productivity_category", sa.String(20), nullable=False),
    sa.ForeignKeyConstraint(["session_id"], ["time_sessions.id"], name="fk_activity_logs_session", ondelete="CASCADE"),
    sa.Index("idx_activity_logs_newest", "timestamp", "id"),
    sa.Index("idx_activity_logs_session_newest", "session_id", "timestamp", "id"),
)

table(
    "breaks",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("session_id", sa.Integer(), nullable=False),
    sa.Column("break_type", sa.String(50), nullable=False),
    sa.Column("start_time", sa.DateTime(), nullable=False),
    sa.Column("end_time", sa.DateTime()),
    sa.Column("duration_seconds", sa.Integer(), nullable=False),
    sa.Column("reason", sa.String(500)),
    sa.ForeignKeyConstraint(["session_id"], ["time_sessions.id"], name="fk_breaks_session", ondelete="CASCADE"),
    sa.Index("idx_breaks_newest", "start_time", "id"),
    sa.Index("idx_breaks_session_newest", "session_id", "start_time", "id"),
)

table(
    "daily_goals",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("date", sa.Date(), nullable=False),
    sa.Column("target_hours", exact(5, 2), nullable=False),
    sa.Column("target_billable_hours", exact(5, 2)),
    sa.Column("target_revenue", exact(12, 2), nullable=False),
    sa.Column("actual_hours", exact(7, 2), nullable=False),
    sa.Column("actual_billable_hours", exact(7, 2), nullable=False),
    sa.Column("actual_revenue", exact(12, 2), nullable=False),
    sa.Column("notes", sa.Text()),
    sa.Column("created_at", sa.DateTime(), nullable=False),
    sa.UniqueConstraint("date", name="uq_daily_goals_date"),
)
