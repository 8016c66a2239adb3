"""The bare application that every domain builds on."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from backend.core.admin_access import install_admin_access
from backend.core.breaker import install_breakers
from backend.core.errors import answer_refusals
from backend.core.graceful import install_graceful
from backend.core.json_provider import WireJSONProvider
from backend.core.limits import install_rate_limit
from backend.core.metrics import install_metrics
from backend.core.observing import install_observing
from backend.core.readiness import install_readiness
from backend.core.received_body import ReceivedRequest
from backend.core.settings import Settings
from backend.core.wrong_tokens import install_wrong_tokens


def new_app(domain: str, settings: Settings) -> Flask:
    """A Flask application with JSON, logs, limits and operators set, and routes only for those who operate it.

    Which origins may call it, and in which shape it answers errors, is for the domain to install.
    `settings` can be found again as `app.extensions["settings"]`. Raises SettingsError when they don't fit the server.
    """
    app = Flask(f"backend.{domain}", static_folder=None)
    app.json = WireJSONProvider(app)
    app.request_class = ReceivedRequest
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.extensions["settings"] = settings
    answer_refusals(app)
    install_metrics(app, domain)
    install_breakers(app)
    install_observing(app, domain)
    install_wrong_tokens(app)
    install_admin_access(app)
    install_readiness(app)
    install_graceful(app)
    install_rate_limit(app)
    hops = settings.trusted_proxies
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops)  # type: ignore[method-assign]
    return app
