"""The pool of database connections, as the metrics show it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import TimeoutError as PoolTimeout

from backend import create_app
from backend.core.gauges import Gauges
from backend.core.metrics import render_metrics
from backend.core.pool_figures import watch_pool
from backend.core.settings import Settings
from backend.spot.models import db
from tests.support.figures import parsed, total
from tests.support.waiting import eventually

POOL = "backend_database_pool"
TIMEOUTS = "backend_database_pool_timeouts_total"


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    environment = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/spot.sqlite3",
        "DATABASE_POOL_SIZE": "3",
        "DATABASE_POOL_TIMEOUT": "0.2",
        "LOG_LEVEL": "ERROR",
    }
    return create_app("spot", Settings.from_environment("spot", environment))


@pytest.fixture
def engine(app: Flask) -> Iterator[Engine]:
    with app.app_context():
        yield db.engine


def shown(app: Flask, name: str = POOL, **labels: str) -> float:
    return total(parsed(render_metrics([app]).decode()), name, domain="spot", **labels)


def test_what_is_in_use_and_what_waits(app: Flask, engine: Engine) -> None:
    engine.pool._timeout = 60  # type: ignore[attr-defined]
    with ExitStack() as held:
        connections = [held.enter_context(engine.connect()) for _ in range(3)]
        assert (shown(app, state="size"), shown(app, state="in_use"), shown(app, state="idle")) == (3, 3, 0)
        # What else is shown needs the database, but no connection of the pool.
        assert shown(app, "backend_jobs_readable") == 1
        waits = threading.Thread(target=lambda: engine.connect().close())
        waits.start()
        eventually(lambda: shown(app, state="waiting") == 1)
        connections[0].close()
        waits.join()
        assert shown(app, state="waiting") == 0
    assert (shown(app, state="in_use"), shown(app, state="idle")) == (0, 3)


def test_what_waits_in_vain_is_counted(app: Flask, engine: Engine) -> None:
    before = shown(app, TIMEOUTS)
    with ExitStack() as held:
        for _ in range(3):
            held.enter_context(engine.connect())
        for _ in range(2):
            with pytest.raises(PoolTimeout):
                engine.connect()
    assert shown(app, TIMEOUTS) == before + 2


def test_a_pool_that_is_made_anew_is_still_watched(app: Flask, engine: Engine) -> None:
    engine.dispose()
    with ExitStack() as held:
        for _ in range(3):
            held.enter_context(engine.connect())
        with pytest.raises(PoolTimeout):
            engine.connect()
    assert engine.pool.domain == "spot"  # type: ignore[attr-defined]


def test_other_pools_are_not_shown() -> None:
    gauges = Gauges("toy")
    watch_pool(create_engine("sqlite://"), gauges, "toy")
    assert [family.samples for family in gauges.collect()] == [[]]
