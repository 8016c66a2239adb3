"""The words the baseline's tables are written in.

The tables are frozen: they say what the first revision creates and must not follow later changes of the models.
"""

from typing import Any

import sqlalchemy as sa

from backend.assistant.migrations.baseline.tables import metadata

#: Texts are equal where every character is, as on the other databases.
MYSQL_OPTIONS: dict[str, Any] = {
    f"{product}_{option}": value
    for product in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}


def table(name: str, *items: sa.schema.SchemaItem) -> sa.Table:
    """A table with its columns, keys and indexes. Its rows' numbers are never given out twice, also not on SQLite."""
    return sa.Table(name, metadata, *items, sqlite_autoincrement=True, **MYSQL_OPTIONS)


def exact(precision: int, scale: int) -> sa.types.TypeEngine[Any]:
    """A decimal number; on SQLite, whose NUMERIC is a float, a whole number of its smallest unit."""
    return sa.Numeric(precision, scale).with_variant(sa.BigInteger(), "sqlite")
