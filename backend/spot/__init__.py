"""Spot instances: agents report from their machines, clients save money."""

from pathlib import Path

from flask import Flask

from backend.core.cors import install_cors
from backend.core.database import install_database
from backend.core.migrations import install_migrations
from backend.core.openapi import install_api
from backend.core.readiness import check_database
from backend.core.scheduler import install_jobs
from backend.spot.api import BLUEPRINTS, SECURITY
from backend.spot.api.engine import install_engine
from backend.spot.api.readings import install_readings
from backend.spot.api.replicas import install_replicas
from backend.spot.cli import install_commands
from backend.spot.jobs import spot_jobs
from backend.spot.models import db


def install(app: Flask) -> None:
    """Give `app` the domain's cross-origin headers, database, migrations, routes and jobs."""
    install_cors(app)
    install_database(app, db)
    check_database(app)
    install_migrations(app, db, Path(__file__).parent / "migrations")
    install_engine(app)
    install_replicas(app)
    install_readings(app)
    install_api(app, "Spot", BLUEPRINTS, SECURITY)
    install_commands(app)
    install_jobs(app, db, spot_jobs(app.extensions["settings"].read))
