"""Applications that tell when they were started, of which some take their time to start."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from flask import Flask

SECONDS = 2.0


def at_once(late: float = 0.0) -> Flask:
    """It writes down when it was started, as whole seconds, and answers that; ``late`` is how much it is wrong by."""
    app = Flask(__name__)
    started = datetime.now(UTC).replace(microsecond=0, tzinfo=None) + timedelta(seconds=late)

    @app.get("/started")
    def tell() -> dict[str, str]:
        return {"at": started.isoformat()}

    return app


def slowly() -> Flask:
    """The same, but its start takes some seconds."""
    time.sleep(SECONDS)
    return at_once()


def wrongly() -> Flask:
    """The same as at once, but it answers a moment before its start."""
    return at_once(-SECONDS)
