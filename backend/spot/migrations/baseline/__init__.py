"""The database as the old side's schema script makes it: 41 tables and what keeps two of their columns up to date."""

import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from backend.spot.migrations.baseline import decisions, instances, pricing, reporting, tenants
from backend.spot.migrations.baseline.triggers import statements
from backend.spot.migrations.baseline.words import metadata

__all__ = ["create", "decisions", "instances", "metadata", "pricing", "reporting", "tenants"]


def create(connection: sa.Connection) -> None:
    """Create every table, index and trigger on an empty database."""
    tables = sa.MetaData()
    for table in metadata.tables.values():
        copy = table.to_metadata(tables)
        if connection.dialect.name in ("sqlite", "postgresql"):
            _make_index_names_unique(copy)
    tables.create_all(connection)
    for statement in statements(connection.dialect.name, metadata):
        connection.exec_driver_sql(statement)


def _make_index_names_unique(table: sa.Table) -> None:
    """Index names belong to a table on MySQL, to the whole database elsewhere."""
    for index in table.indexes:
        index.name = quoted_name(f"{table.name}_{index.name}", quote=None)
