"""What revisions that add indexes share."""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from alembic import op


def add_index(name: str, table: str, columns: Sequence[str]) -> None:
    """Add an index, unless it is there."""
    inspector = sa.inspect(op.get_bind())
    if not is_there(inspector, name, table):
        op.create_index(name, table, [*_ordered(inspector, table, columns)])


def is_there(inspector: sa.Inspector, name: str, table: str) -> bool:
    """Whether a table has an index of that name."""
    return any(index["name"] == name for index in inspector.get_indexes(table))


def _ordered(inspector: sa.Inspector, table: str, columns: Sequence[str]) -> Iterator[str | sa.TextClause]:
    """PostgreSQL has to be told that NULLs come first, as on the other databases and in every statement."""
    nullable = {column["name"] for column in inspector.get_columns(table) if column["nullable"]}
    for column in columns:
        nulls_first = inspector.dialect.name == "postgresql" and column in nullable
        yield sa.text(f"{column} NULLS FIRST") if nulls_first else column
