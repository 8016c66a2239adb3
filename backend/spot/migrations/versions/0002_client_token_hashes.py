"""Room for a hash of every token beside the token. The old side does not see it: the column may stay empty."""

import sqlalchemy as sa
from alembic import op

from backend.spot.migrations.baseline.words import varchar

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLE, COLUMN, INDEX = "clients", "client_token_hash", "idx_clients_token_hash"


def upgrade() -> None:
    """Add the column and its index where they are missing. No row is touched."""
    inspector = sa.inspect(op.get_bind())
    if COLUMN not in {column["name"] for column in inspector.get_columns(TABLE)}:
        op.add_column(TABLE, sa.Column(COLUMN, varchar(64), nullable=True))
    if INDEX not in {index["name"] for index in inspector.get_indexes(TABLE)}:
        op.create_index(INDEX, TABLE, [COLUMN])


def downgrade() -> None:
    """Drop both. Clients whose token in clear was forgotten need a new token then."""
    inspector = sa.inspect(op.get_bind())
    if INDEX in {index["name"] for index in inspector.get_indexes(TABLE)}:
        op.drop_index(INDEX, TABLE)
    if COLUMN in {column["name"] for column in inspector.get_columns(TABLE)}:
        op.drop_column(TABLE, COLUMN)
