"""Create the tables of the first release."""

from alembic import op

from backend.assistant.migrations import baseline

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what is missing; an attempt that was cut off may have left some of it on MySQL."""
    baseline.create(op.get_bind())


def downgrade() -> None:
    """Drop everything."""
    baseline.metadata.drop_all(op.get_bind())
