"""The decision engine of an application."""

from typing import cast

from flask import Flask, current_app

from backend.core.settings import Settings
from backend.spot.models import db
from backend.spot.services.engines.host import EngineHost
from backend.spot.settings import EngineSettings

EXTENSION = "engine_host"


def install_engine(app: Flask) -> None:
    """Give `app` a host for its engine. Nothing is loaded before the engine is asked; raises SettingsError."""
    settings: Settings = app.extensions["settings"]
    with app.app_context():
        database = db.engine
    app.extensions[EXTENSION] = EngineHost(EngineSettings.read(settings.read), database)


def engine_host() -> EngineHost:
    """The host of the application at work."""
    return cast(EngineHost, current_app.extensions[EXTENSION])
