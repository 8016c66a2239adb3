"""Where the files of uploaded models are, and which engines were uploaded. The old side sees nothing of either."""

import sqlalchemy as sa
from alembic import op

from backend.spot.migrations.baseline.words import MYSQL_OPTIONS, Now, bigint, integer, json, timestamp, uuid

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SESSIONS, ENGINES = "model_upload_sessions", "decision_engine_uploads"
COLUMNS = {"stored_files": json(), "change_number": integer()}


def upgrade() -> None:
    """Add what is missing. No row is touched: sessions of the old side have no stored files."""
    inspector = sa.inspect(op.get_bind())
    present = {column["name"] for column in inspector.get_columns(SESSIONS)}
    for name, kind in COLUMNS.items():
        if name not in present:
            op.add_column(SESSIONS, sa.Column(name, kind, nullable=True))
    if not inspector.has_table(ENGINES):
        op.create_table(
            ENGINES,
            sa.Column("id", bigint(), primary_key=True),
            sa.Column("directory", uuid(), nullable=False),
            sa.Column("follows", bigint(), nullable=False),
            sa.Column("stored_files", json(), nullable=False),
            sa.Column("created_at", timestamp(), server_default=Now()),
            sa.UniqueConstraint("follows", name="uk_engine_upload_follows"),
            **MYSQL_OPTIONS,
        )


def downgrade() -> None:
    """Forget where the files are; the files themselves stay."""
    inspector = sa.inspect(op.get_bind())
    if inspector.has_table(ENGINES):
        op.drop_table(ENGINES)
    present = {column["name"] for column in inspector.get_columns(SESSIONS)}
    for name in COLUMNS:
        if name in present:
            op.drop_column(SESSIONS, name)
