"""Spot prices added up by the hour. The old side sees nothing of it."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from backend.spot.migrations.baseline.words import MYSQL_OPTIONS, bigint, decimal, integer, varchar

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

HOURS, ROLLUP, BY_HOUR = "spot_price_hours", "spot_price_rollup", "idx_spot_price_hours_hour"
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
COLLATION = sa.text(
    "SELECT character_set_name, collation_name, character_maximum_length FROM information_schema.columns"
    " WHERE table_schema = DATABASE() AND table_name = 'spot_pools' AND column_name = 'id'"
)


def upgrade() -> None:
    """Add the tables that are missing. No price is added up here: that is the work of a job."""
    bind = op.get_bind()
    inspector = sa.inspect(bind)
    if not inspector.has_table(HOURS):
        op.create_table(
            HOURS,
            sa.Column("pool_id", _kind_of_pool_id(bind), primary_key=True),
            sa.Column("hour", integer(), primary_key=True, autoincrement=False),
            sa.Column("total", _kind_of_total(inspector), nullable=False),
            sa.Column("prices", integer(), nullable=False),
            sa.ForeignKeyConstraint(
                ["pool_id"], ["spot_pools.id"], name="fk_spot_price_hours_pool", ondelete="CASCADE"
            ),
            **MYSQL_OPTIONS,
        )
    if BY_HOUR not in {index["name"] for index in sa.inspect(bind).get_indexes(HOURS)}:
        op.create_index(BY_HOUR, HOURS, ["hour"])
    if not inspector.has_table(ROLLUP):
        op.create_table(
            ROLLUP,
            sa.Column("id", integer(), primary_key=True, autoincrement=False),
            sa.Column("rolled_up_to", bigint(), nullable=False),
            sa.Column("complete_to", bigint(), nullable=False),
            sa.Column("noted_id", bigint()),
            sa.Column("noted_at", MOMENT),
            sa.Column("noted_horizon", bigint()),
            **MYSQL_OPTIONS,
        )
    rollup = sa.table(ROLLUP, sa.column("id"), sa.column("rolled_up_to"), sa.column("complete_to"))
    if bind.execute(sa.select(rollup.c.id)).first() is None:
        bind.execute(sa.insert(rollup).values(id=1, rolled_up_to=0, complete_to=0))


def downgrade() -> None:
    """Drop them: they say nothing that the prices themselves don't."""
    inspector = sa.inspect(op.get_bind())
    for table in (ROLLUP, HOURS):
        if inspector.has_table(table):
            op.drop_table(table)


def _kind_of_pool_id(bind: sa.Connection) -> sa.types.TypeEngine[Any]:
    """As an adopted database has it: MySQL makes no foreign key between texts of different collations."""
    if bind.dialect.name != "mysql":
        return varchar(128)
    charset, collation, length = bind.execute(COLLATION).one()
    return mysql.VARCHAR(int(length), charset=charset, collation=collation)


def _kind_of_total(inspector: sa.Inspector) -> sa.types.TypeEngine[Any]:
    """As many decimals as the prices have, so that nothing is rounded."""
    kinds = {column["name"]: column["type"] for column in inspector.get_columns("spot_price_snapshots")}
    scale = getattr(kinds["price"], "scale", None)
    return decimal(16 + (6 if scale is None else scale), 6 if scale is None else scale)
