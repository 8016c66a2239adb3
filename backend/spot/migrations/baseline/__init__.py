"""The database as the old side's schema script makes it: 41 tables and what keeps two of their columns up to date."""

import sqlalchemy as sa

from backend.spot.migrations.baseline import decisions, instances, pricing, reporting, tenants
from backend.spot.migrations.baseline.elsewhere import CREATE_COLLATION, as_postgresql_has_it, as_sqlite_has_it
from backend.spot.migrations.baseline.triggers import statements
from backend.spot.migrations.baseline.words import metadata

__all__ = ["create", "decisions", "instances", "metadata", "pricing", "reporting", "tenants"]


def create(connection: sa.Connection) -> None:
    """Create every table, index and trigger on an empty database."""
    adapt = {"sqlite": as_sqlite_has_it, "postgresql": as_postgresql_has_it}.get(connection.dialect.name)
    tables = sa.MetaData()
    for table in metadata.tables.values():
        copy = table.to_metadata(tables)
        if adapt is not None:
            adapt(copy)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(CREATE_COLLATION)
    tables.create_all(connection)
    for statement in statements(connection.dialect.name, metadata):
        connection.exec_driver_sql(statement)
