"""Projects: what money and time are booked on."""

import sqlalchemy as sa

from backend.assistant.migrations.baseline.words import exact, table

table(
    "projects",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("client_name", sa.String(200)),
    sa.Column("hourly_rate", exact(12, 2), nullable=False),
    sa.Column("total_budget", exact(12, 2)),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("start_date", sa.Date()),
    sa.Column("end_date", sa.Date()),
    sa.Column("description", sa.Text()),
    sa.Column("color", sa.String(7), nullable=False),
    sa.Column("created_at", sa.DateTime(), nullable=False),
    sa.Index("idx_projects_name", "name"),
    sa.Index("idx_projects_status_name", "status", "name"),
)
