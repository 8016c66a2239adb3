"""A personal assistant: a local language model and tools for money, time, passwords, music and the screen."""

from flask import Flask


def install(app: Flask) -> None:
    """Give `app` the domain's database, migrations and routes."""
    # Not before it is asked for: the processes of the language model are of this package too, and need none of it.
    from backend.assistant.application import install as install_all

    install_all(app)
