"""Scheduled events inside the database, which only MySQL and MariaDB have."""

import logging

from flask import Flask
from sqlalchemy import column, func, select, table

from backend.core.database import separate_engine

PATIENCE = 5.0
EVENTS = table("EVENTS", column("EVENT_NAME"), column("EVENT_SCHEMA"), column("STATUS"), schema="information_schema")
HERE = func.database() == EVENTS.c.EVENT_SCHEMA
ENABLED = select(EVENTS.c.EVENT_NAME).where(HERE, EVENTS.c.STATUS == "ENABLED")

_log = logging.getLogger("backend.database")


def enabled_events(app: Flask) -> frozenset[str] | None:
    """The names of the enabled events in the application's database; None when it does not tell."""
    engine = separate_engine(app.extensions["settings"], PATIENCE)
    if engine.dialect.name != "mysql":
        return frozenset()
    try:
        with engine.connect() as connection:
            return frozenset(connection.execute(ENABLED).scalars())
    except Exception as error:
        _log.warning("the events of the database can't be read", extra={"error": str(error)})
        return None
