"""A personal assistant: a local language model and tools for money, time, passwords, music and the screen."""

from pathlib import Path

from flask import Flask

from backend.assistant.api import BLUEPRINTS
from backend.assistant.models import db
from backend.core.database import install_database
from backend.core.json_provider import OrderedJSONProvider
from backend.core.migrations import install_migrations
from backend.core.openapi import install_api
from backend.core.readiness import check_database


def install(app: Flask) -> None:
    """Give `app` the domain's database, migrations and routes."""
    app.json = OrderedJSONProvider(app)
    install_database(app, db)
    check_database(app)
    install_migrations(app, db, Path(__file__).parent / "migrations")
    install_api(app, "Assistant", BLUEPRINTS, {})
