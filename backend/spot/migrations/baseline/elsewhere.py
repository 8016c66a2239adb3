"""What differs in the tables elsewhere than on MySQL, whose words they are written in."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from backend.spot.migrations.baseline.words import CaselessText

CREATE_COLLATION = (
    "CREATE COLLATION IF NOT EXISTS unicode_ci (provider = icu, locale = 'und-u-ks-level1', deterministic = false)"
)

LONGEST_NAME = 63  # on PostgreSQL


def as_sqlite_has_it(table: sa.Table) -> None:
    """Index names belong to a table on MySQL, to the whole database elsewhere."""
    for index in table.indexes:
        index.name = _name_in_database(table, index.name)


def as_postgresql_has_it(table: sa.Table) -> None:
    """Unique keys too have names of the database's; NULLs are the smallest values; enumerations are checked texts."""
    as_sqlite_has_it(table)
    for constraint in list(table.constraints):
        if isinstance(constraint, sa.UniqueConstraint):
            constraint.name = _name_in_database(table, constraint.name or constraint.columns[0].name)
    for index in table.indexes:
        index.expressions = [_with_nulls_last(expression) for expression in index.expressions]
    for column in table.columns:
        if isinstance(column.type, sa.Enum):
            column.type.native_enum = False
            column.type = CaselessText()


def _name_in_database(table: sa.Table, name: object) -> quoted_name:
    return quoted_name(f"{table.name}_{name}"[:LONGEST_NAME], quote=None)


def _with_nulls_last(expression: Any) -> Any:
    if isinstance(expression, sa.TextClause) and expression.text.endswith(" DESC"):
        return sa.text(f"{expression.text} NULLS LAST")
    return expression
