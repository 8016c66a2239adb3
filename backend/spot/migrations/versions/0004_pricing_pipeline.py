"""What deduplication and gap filling need to remember. The old side leaves all of it empty."""

import sqlalchemy as sa
from alembic import op

from backend.spot.migrations.baseline.words import decimal, integer, json, text, timestamp, uuid, varchar

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COLUMNS = {
    "pricing_snapshots_clean": {
        "source_submission_id": uuid(),
        "interpolation_method": varchar(32),
    },
    "pricing_snapshots_interpolated": {
        "gap_type": varchar(16),
        "interpolation_method": varchar(32),
        "price_before": decimal(10, 6),
        "price_after": decimal(10, 6),
        "timestamp_before": timestamp(),
        "timestamp_after": timestamp(),
        "interpolated_price": decimal(10, 6),
    },
    "data_processing_jobs": {
        "duplicates_found": integer(),
        "gaps_filled": integer(),
        "interpolations_created": integer(),
        "result_summary": json(),
        "error_log": text(),
    },
}


def upgrade() -> None:
    """Add the columns that are missing. No row is touched."""
    inspector = sa.inspect(op.get_bind())
    for table, columns in COLUMNS.items():
        present = {column["name"] for column in inspector.get_columns(table)}
        for name, kind in columns.items():
            if name not in present:
                op.add_column(table, sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    """Drop the columns that are there."""
    inspector = sa.inspect(op.get_bind())
    for table, columns in COLUMNS.items():
        present = {column["name"] for column in inspector.get_columns(table)}
        for name in columns:
            if name in present:
                op.drop_column(table, name)
