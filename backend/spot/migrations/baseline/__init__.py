"""The database as the old side's schema script makes it: 41 tables and what keeps two of their columns up to date."""

import sqlalchemy as sa

from backend.spot.migrations.baseline import decisions, instances, pricing, reporting, tenants
from backend.spot.migrations.baseline.elsewhere import CREATE_COLLATION, as_postgresql_has_it, as_sqlite_has_it
from backend.spot.migrations.baseline.triggers import statements
from backend.spot.migrations.baseline.words import metadata

__all__ = ["create", "decisions", "instances", "metadata", "pricing", "reporting", "tenants"]


def create(connection: sa.Connection) -> None:
    """Create every table, index and trigger that is not there yet: MySQL keeps those of an attempt that was cut off."""
    adapt = {"sqlite": as_sqlite_has_it, "postgresql": as_postgresql_has_it}.get(connection.dialect.name)
    tables = sa.MetaData()
    for table in metadata.tables.values():
        copy = table.to_metadata(tables)
        if adapt is not None:
            adapt(copy)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(CREATE_COLLATION)
    tables.create_all(connection)
    _create_missing_indexes(connection, tables)
    for statement in statements(connection.dialect.name, metadata):
        connection.exec_driver_sql(statement)


def _create_missing_indexes(connection: sa.Connection, tables: sa.MetaData) -> None:
    """A table comes first and its indexes after it, so the last one made may lack some."""
    inspector = sa.inspect(connection)
    for table in tables.sorted_tables:
        present = {index["name"] for index in inspector.get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in present:
                index.create(connection)
