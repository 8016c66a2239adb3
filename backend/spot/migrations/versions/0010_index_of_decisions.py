"""An index that has all that a decision asks of an agent's switches: how many there were of late, and when the last."""

import sqlalchemy as sa
from alembic import op

from backend.spot.migrations.indexes import add_index, is_there

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NAME, TABLE = "idx_switches_agent_newest", "switches"


def upgrade() -> None:
    """Add the index, unless it is there."""
    add_index(NAME, TABLE, ("agent_id", "initiated_at"))


def downgrade() -> None:
    """Drop the index, if it is there."""
    if is_there(sa.inspect(op.get_bind()), NAME, TABLE):
        op.drop_index(NAME, TABLE)
