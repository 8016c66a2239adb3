"""What agents tell of a replica on its way to being ready: columns that were always written and never there."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLE = "replica_instances"
COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "sync_started_at": sa.TIMESTAMP(),
    "sync_completed_at": sa.TIMESTAMP(),
    "error_message": sa.Text(),
}


def upgrade() -> None:
    """Add the columns that are not there."""
    for name in COLUMNS.keys() - _present():
        op.add_column(TABLE, sa.Column(name, COLUMNS[name], nullable=True))


def downgrade() -> None:
    """Drop the columns, with what was told."""
    for name in COLUMNS.keys() & _present():
        op.drop_column(TABLE, name)


def _present() -> set[str]:
    return {column["name"] for column in sa.inspect(op.get_bind()).get_columns(TABLE)}
