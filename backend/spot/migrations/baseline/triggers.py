"""Triggers: names for pools without one, and `updated_at` where the database cannot keep it by itself."""

from collections.abc import Iterator

import sqlalchemy as sa

from backend.spot.migrations.baseline.words import POSTGRESQL_NOW

POOL_NAME_MYSQL = """\
CREATE TRIGGER before_spot_pools_{event} BEFORE {event} ON spot_pools FOR EACH ROW
SET NEW.pool_name = COALESCE(NEW.pool_name, CONCAT(NEW.instance_type, ' (', NEW.az, ')'))"""

POOL_NAME_SQLITE = """\
CREATE TRIGGER spot_pools_name_after_{event} AFTER {event} ON spot_pools WHEN NEW.pool_name IS NULL BEGIN
UPDATE spot_pools SET pool_name = NEW.instance_type || ' (' || NEW.az || ')' WHERE id = NEW.id; END"""

UPDATED_AT_SQLITE = """\
CREATE TRIGGER {table}_updated_at AFTER UPDATE ON {table} WHEN NEW.updated_at IS OLD.updated_at BEGIN
UPDATE {table} SET updated_at = CURRENT_TIMESTAMP WHERE {key} = NEW.{key}; END"""

POOL_NAME_POSTGRESQL = """\
CREATE FUNCTION name_spot_pool() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
NEW.pool_name := COALESCE(NEW.pool_name, NEW.instance_type || ' (' || NEW.az || ')'); RETURN NEW; END $$;
CREATE TRIGGER spot_pools_name BEFORE INSERT OR UPDATE ON spot_pools FOR EACH ROW EXECUTE FUNCTION name_spot_pool()"""

TOUCH_POSTGRESQL = f"""\
CREATE FUNCTION touch_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
NEW.updated_at := {POSTGRESQL_NOW}; RETURN NEW; END $$"""

UPDATED_AT_POSTGRESQL = """\
CREATE TRIGGER {table}_updated_at BEFORE UPDATE ON {table} FOR EACH ROW
WHEN (NEW *<> OLD AND NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at) EXECUTE FUNCTION touch_row()"""


def statements(dialect: str, tables: sa.MetaData) -> Iterator[str]:
    """The statements that make the triggers on one kind of database."""
    if dialect in ("mysql", "mariadb"):
        for event in ("insert", "update"):
            yield f"DROP TRIGGER IF EXISTS before_spot_pools_{event}"
            yield POOL_NAME_MYSQL.format(event=event)
    elif dialect == "sqlite":
        for event in ("insert", "update"):
            yield POOL_NAME_SQLITE.format(event=event)
        for table in tables.sorted_tables:
            if "updated_at" in table.columns:
                (key,) = table.primary_key.columns
                yield UPDATED_AT_SQLITE.format(table=table.name, key=key.name)
    elif dialect == "postgresql":
        yield POOL_NAME_POSTGRESQL
        yield TOUCH_POSTGRESQL
        for table in tables.sorted_tables:
            if "updated_at" in table.columns:
                yield UPDATED_AT_POSTGRESQL.format(table=table.name)
