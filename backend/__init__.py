"""The new system: one Flask application per domain, all built the same way."""

from importlib import import_module

from flask import Flask

from backend.core.app import new_app
from backend.core.settings import Settings

DOMAINS = ("spot", "assistant")


def create_app(domain: str = "spot", settings: Settings | None = None) -> Flask:
    """Build the application of one domain.

    `settings` are read from the environment when they are not given.
    Raises ValueError for an unknown domain and SettingsError for an unusable environment.
    """
    if domain not in DOMAINS:
        raise ValueError(f"Unknown domain {domain!r}; known domains: {', '.join(DOMAINS)}.")
    app = new_app(domain, settings or Settings.from_environment(domain))
    import_module(f"backend.{domain}").install(app)
    return app
