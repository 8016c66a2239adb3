from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from migration.ledger import Ledger
from migration.ledger.rollout import promote

sys.path.insert(0, str(Path(__file__).parent))

from front import Front
from origin import Origin, serve_simply

FrontMaker = Callable[..., Front]


@pytest.fixture(scope="package")
def proxy_ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """A ledger in which ``/native`` and ``/mixed`` (GET only) are served natively."""
    ledger = Ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'ledger.sqlite3'}")
    keys = [("GET", "/native/<name>"), ("POST", "/native/<name>"), ("GET", "/mixed"), ("POST", "/mixed")]
    ledger.seed("test", keys)
    ledger.set_native("test", keys)
    promote(ledger, "test", ["/native/*", "GET /mixed"], who="tests", why="to be served natively")
    return ledger


@pytest.fixture(scope="module")
def make_front(proxy_ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontMaker]:
    """Start the proxy under gunicorn: ``make_front(upstream, CUTOVER_READ_TIMEOUT="1")``."""
    with ExitStack() as fronts:

        def make(upstream: str, *options: str, **environ: str) -> Front:
            variables = {"TEST_UPSTREAM": upstream, "CUTOVER_LEDGER_URL": proxy_ledger.url, **environ}
            log = tmp_path_factory.mktemp("front") / "gunicorn.log"
            app = "tests.migration.proxy.front_app:application"
            return fronts.enter_context(Front(app, variables, *options, log=log))

        yield make


@pytest.fixture(scope="module")
def shared_origin() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin


@pytest.fixture(scope="module")
def shared_front(make_front: FrontMaker, shared_origin: Origin) -> Front:
    return make_front(shared_origin.url)


@pytest.fixture
def origin(shared_origin: Origin) -> Iterator[Origin]:
    """The module's origin; a test gives it a script of its own."""
    shared_origin.script = serve_simply
    yield shared_origin
    shared_origin.cut()


@pytest.fixture
def front(shared_front: Front, origin: Origin) -> Front:
    """The module's proxy in front of ``origin``."""
    return shared_front
