"""The decision engine of an application."""

from collections.abc import Callable
from functools import partial
from typing import cast

from flask import Flask, current_app
from sqlalchemy.orm import Session

from backend.core.database import run_and_commit
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
    app.extensions[EXTENSION] = EngineHost(EngineSettings.read(settings.read), database, partial(_transact, app))


def engine_host() -> EngineHost:
    """The host of the application at work."""
    return cast(EngineHost, current_app.extensions[EXTENSION])


def _transact(app: Flask, work: Callable[[Session], None]) -> None:
    with app.app_context():
        session = db.session()
        run_and_commit(session, lambda: work(session))
