"""Create the tables of the old side's schema, or adopt them where they are."""

from alembic import op

from backend.core.migrations import is_being_created
from backend.spot.migrations import baseline

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything, unless the tables were there: then they have been checked and only the revision is noted."""
    connection = op.get_bind()
    if is_being_created(connection):
        baseline.create(connection)


def downgrade() -> None:
    """Refuse: the data below the baseline is not ours to drop."""
    raise NotImplementedError("The baseline cannot be undone: it may have adopted a database that existed before it.")
