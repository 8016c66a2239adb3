"""What the assistant's application is made of."""

from pathlib import Path

from flask import Flask

from backend.assistant.api import BLUEPRINTS
from backend.assistant.api.llm_access import install_llm
from backend.assistant.api.llm_socket import install_llm_socket
from backend.assistant.api.music import install_music
from backend.assistant.api.password import install_vault
from backend.assistant.api.screen import install_screen
from backend.assistant.api.shell import install_shell
from backend.assistant.api.tailor_packs import install_tailor_packs
from backend.assistant.models import db
from backend.assistant.services.system import begin_sampling
from backend.assistant.settings import DataSettings
from backend.assistant.settings.security import SecuritySettings
from backend.core.database import install_database
from backend.core.detail_errors import install_detail_errors
from backend.core.migrations import install_migrations
from backend.core.openapi import install_api
from backend.core.origins import ANY, Origins
from backend.core.readiness import check_database
from backend.core.settings import Settings

#: What pages of the allowed origins may do.
METHODS = ("GET", "POST", "PUT", "DELETE")
#: Where else clients look for the page of `/docs`.
DESCRIBED_AT = ("/api/docs", "/api/redoc")


def install(app: Flask) -> None:
    """Give `app` the domain's database, migrations and routes."""
    settings: Settings = app.extensions["settings"]
    security = SecuritySettings.read(settings.read)
    if not settings.read.is_rehearsing:
        DataSettings.read(settings.read).refuse_if_unwritable()
    origins = Origins(security.origins, METHODS, headers=ANY)
    install_detail_errors(app, hosts=security.hosts, origins=origins)
    install_database(app, db)
    check_database(app)
    install_migrations(app, db, Path(__file__).parent / "migrations")
    install_vault(app)
    install_music(app)
    install_llm(app)
    install_llm_socket(app, origins)
    install_screen(app)
    install_shell(app)
    install_tailor_packs(app)
    install_api(app, "Assistant", BLUEPRINTS, {})
    for place in DESCRIBED_AT:
        app.add_url_rule(place, view_func=app.view_functions["docs"], endpoint=place, methods=["GET", "HEAD"])
    begin_sampling()
