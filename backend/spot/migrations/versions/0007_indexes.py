"""An index for every question that is asked of a growing table."""

import sqlalchemy as sa
from alembic import op

from backend.spot.migrations.indexes import add_index, is_there

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Name, table, columns. The newest rows are found by reading an index backwards, which takes their ids last.
INDEXES = (
    ("idx_agents_client_status", "agents", "client_id", "status", "last_heartbeat_at"),
    ("idx_decision_agent_newest", "agent_decision_history", "agent_id", "decision_time", "id"),
    ("idx_instances_client_active", "instances", "client_id", "is_active", "current_mode"),
    ("idx_instances_active_newest", "instances", "is_active", "created_at"),
    ("idx_instances_newest", "instances", "created_at"),
    ("idx_instances_region_newest", "instances", "region", "created_at"),
    ("idx_interruption_detected", "spot_interruption_events", "detected_at"),
    ("idx_notifications_client_newest", "notifications", "client_id", "created_at"),
    ("idx_notifications_read", "notifications", "is_read"),
    ("idx_predictions_command", "model_predictions", "command_id"),
    ("idx_pricing_reports_agent_newest", "pricing_reports", "agent_id", "received_at", "id"),
    ("idx_spot_snapshots_pool_newest", "spot_price_snapshots", "pool_id", "captured_at", "id", "price"),
    ("idx_switches_client_newest", "switches", "client_id", "initiated_at", "timestamp", "id"),
    ("idx_switches_command", "switches", "command_id"),
    ("idx_switches_new_instance", "switches", "new_instance_id"),
    ("idx_system_events_agent_newest", "system_events", "agent_id", "created_at", "id"),
    ("idx_system_events_newest", "system_events", "created_at", "id"),
)


def upgrade() -> None:
    """Add the indexes that are not there."""
    for name, table, *columns in INDEXES:
        add_index(name, table, columns)


def downgrade() -> None:
    """Drop the indexes that are there."""
    inspector = sa.inspect(op.get_bind())
    for name, table, *columns in reversed(INDEXES):
        if is_there(inspector, name, table):
            _give_foreign_keys_an_index(inspector, table, columns[0])
            op.drop_index(name, table)


def _give_foreign_keys_an_index(inspector: sa.Inspector, table: str, column: str) -> None:
    """MySQL makes an index for a foreign key, drops it once there is one of ours, and wants it back in the end."""
    ours = {name for name, *_ in INDEXES}
    others = [index for index in inspector.get_indexes(table) if index["name"] not in ours]
    if inspector.dialect.name != "mysql" or any(index["column_names"][0] == column for index in others):
        return
    for key in inspector.get_foreign_keys(table):
        if key["constrained_columns"] == [column]:
            op.create_index(str(key["name"]), table, [column])
