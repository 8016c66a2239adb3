"""Indexes that have all that lists and counts of the whole system ask of agents and active instances."""

import sqlalchemy as sa
from alembic import op

from backend.spot.migrations.indexes import add_index, is_there

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Name, table, columns: none that a heartbeat without news changes.
INDEXES = (
    ("idx_agents_on_instance", "agents", "instance_id", "status", "logical_agent_id"),
    ("idx_instances_active_client", "instances", "is_active", "client_id"),
)


def upgrade() -> None:
    """Add the indexes that are not there."""
    for name, table, *columns in INDEXES:
        add_index(name, table, columns)


def downgrade() -> None:
    """Drop the indexes that are there."""
    inspector = sa.inspect(op.get_bind())
    for name, table, *_ in reversed(INDEXES):
        if is_there(inspector, name, table):
            op.drop_index(name, table)
