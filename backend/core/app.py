"""The bare application that every domain builds on."""

from flask import Flask

from backend.core.cors import install_cors
from backend.core.json_provider import WireJSONProvider
from backend.core.logs import install_logs
from backend.core.settings import Settings


def new_app(domain: str, settings: Settings) -> Flask:
    """A Flask application with JSON, CORS, logs and limits set, and no routes.

    `settings` can be found again as `app.extensions["settings"]`.
    """
    app = Flask(f"backend.{domain}", static_folder=None)
    app.json = WireJSONProvider(app)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.extensions["settings"] = settings
    install_logs(app, settings.log_level)
    install_cors(app)
    return app
