"""The new system: one Flask application per domain, all built the same way."""

import os
from dataclasses import replace
from importlib import import_module

from flask import Flask
from sqlalchemy.engine import make_url

from backend.core.app import new_app
from backend.core.observing import observe
from backend.core.settings import Reader, Settings

DOMAINS = ("spot", "assistant")
#: Tables of the file of settings: one for each domain, and the tool's own.
TABLES = (*DOMAINS, "cutover")


def create_app(domain: str = "spot", settings: Settings | None = None) -> Flask:
    """Build the application of one domain.

    `settings` are read from the environment, and from the file that it names, when they are not given.
    Raises ValueError for an unknown domain, and SettingsError for settings that can't be used or that nobody knows.
    """
    if domain not in DOMAINS:
        raise ValueError(f"Unknown domain {domain!r}; known domains: {', '.join(DOMAINS)}.")
    settings = settings or Settings.from_environment(domain)
    if settings.read.file is not None:
        settings.read.file.refuse_unknown_tables(TABLES)
        if not settings.read.knows_all_keys:
            # Before anything is made under a wrong name: a mistyped database would become a new one.
            read_everything(settings)
            settings.read.refuse_unknown_keys()
    return _build(domain, settings)


def read_everything(settings: Settings) -> Reader:
    """Read all that the domain of `settings` reads when it is built, without touching its database and its files.

    Raises SettingsError for the first value that is not allowed.
    """
    nowhere = make_url(f"sqlite:///{os.devnull}")  # never opened
    with settings.read.rehearsing():
        _build(settings.read.domain, replace(settings, database_url=nowhere, auto_migrate=False))
    return settings.read


def _build(domain: str, settings: Settings) -> Flask:
    app = new_app(domain, settings)
    import_module(f"backend.{domain}").install(app)
    observe(app)
    return app
