"""Tailor packs that are installed."""

import sqlalchemy as sa

from backend.assistant.migrations.baseline.words import table

table(
    "tailor_packs",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("pack_id", sa.String(100), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("version", sa.String(60), nullable=False),
    sa.Column("description", sa.Text(), nullable=False),
    sa.Column("author", sa.String(200), nullable=False),
    sa.Column("target_audience", sa.String(20), nullable=False),
    sa.Column("business_category", sa.String(20), nullable=False),
    sa.Column("features", sa.Text(), nullable=False),
    sa.Column("dependencies", sa.Text(), nullable=False),
    sa.Column("license_required", sa.Boolean(), nullable=False),
    sa.Column("licensed", sa.Boolean(), nullable=False),
    sa.Column("trial_ends_at", sa.DateTime()),
    sa.Column("active", sa.Boolean(), nullable=False),
    sa.Column("directory", sa.String(150), nullable=False),
    sa.Column("size", sa.BigInteger(), nullable=False),
    sa.Column("installed_at", sa.DateTime(), nullable=False),
    sa.Column("updated_at", sa.DateTime(), nullable=False),
    sa.UniqueConstraint("pack_id", name="uq_tailor_packs_pack"),
)
