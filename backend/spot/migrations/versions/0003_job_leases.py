"""Who runs which job, and until when."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
NEWEST = "idx_job_runs_newest"
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables of the scheduler."""
    inspector = sa.inspect(op.get_bind())
    if not inspector.has_table("job_leases"):
        op.create_table(
            "job_leases",
            sa.Column("name", sa.String(64), primary_key=True),
            sa.Column("holder", sa.String(255)),
            sa.Column("acquired_at", MOMENT),
            sa.Column("expires_at", MOMENT),
            sa.Column("fence", NUMBER, nullable=False),
            sa.Column("due_at", MOMENT, nullable=False),
            sa.Column("attempts", sa.Integer(), nullable=False),
            sa.Column("runs", NUMBER, nullable=False),
            sa.Column("failures", NUMBER, nullable=False),
            sa.Column("skips", NUMBER, nullable=False),
        )
    if not inspector.has_table("job_runs"):
        op.create_table(
            "job_runs",
            sa.Column("id", NUMBER, primary_key=True),
            sa.Column("name", sa.String(64), nullable=False),
            sa.Column("holder", sa.String(255), nullable=False),
            sa.Column("due_at", MOMENT),
            sa.Column("started_at", MOMENT, nullable=False),
            sa.Column("finished_at", MOMENT),
            sa.Column("duration", sa.Float()),
            sa.Column("outcome", sa.String(16), nullable=False),
            sa.Column("counts", sa.JSON()),
            sa.Column("error", sa.Text()),
        )
    # On its own: where a process dies in between, MySQL has the table and not its index.
    if NEWEST not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes("job_runs")}:
        op.create_index(NEWEST, "job_runs", ["name", "id"])


def downgrade() -> None:
    """Drop them: what the scheduler remembers is of no use without it."""
    inspector = sa.inspect(op.get_bind())
    for table in ("job_runs", "job_leases"):
        if inspector.has_table(table):
            op.drop_table(table)
