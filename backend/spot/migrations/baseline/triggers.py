"""Triggers: names for pools without one, and `updated_at` where the database cannot keep it by itself."""

from collections.abc import Iterator

import sqlalchemy as sa

POOL_NAME_MYSQL = """\
CREATE TRIGGER before_spot_pools_{event} BEFORE {event} ON spot_pools FOR EACH ROW
SET NEW.pool_name = COALESCE(NEW.pool_name, CONCAT(NEW.instance_type, ' (', NEW.az, ')'))"""

POOL_NAME_SQLITE = """\
CREATE TRIGGER spot_pools_name_after_{event} AFTER {event} ON spot_pools WHEN NEW.pool_name IS NULL BEGIN
UPDATE spot_pools SET pool_name = NEW.instance_type || ' (' || NEW.az || ')' WHERE id = NEW.id; END"""

UPDATED_AT_SQLITE = """\
CREATE TRIGGER {table}_updated_at AFTER UPDATE ON {table} WHEN NEW.updated_at IS OLD.updated_at BEGIN
UPDATE {table} SET updated_at = CURRENT_TIMESTAMP WHERE {key} = NEW.{key}; END"""


def statements(dialect: str, tables: sa.MetaData) -> Iterator[str]:
    """The CREATE TRIGGER statements for one kind of database."""
    if dialect in ("mysql", "mariadb"):
        for event in ("insert", "update"):
            yield POOL_NAME_MYSQL.format(event=event)
    elif dialect == "sqlite":
        for event in ("insert", "update"):
            yield POOL_NAME_SQLITE.format(event=event)
        for table in tables.sorted_tables:
            if "updated_at" in table.columns:
                (key,) = table.primary_key.columns
                yield UPDATED_AT_SQLITE.format(table=table.name, key=key.name)
