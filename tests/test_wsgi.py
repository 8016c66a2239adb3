"""The whole house under gunicorn: both sides, the ledger, the proxy."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from legacy import shim
from migration.ledger import Ledger
from migration.ledger.rollout import promote, roll_back
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[1]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {
        "SPOT_DATABASE_URL": f"sqlite:///{tmp_path / 'spot.sqlite3'}",
        "CUTOVER_LEDGER_URL": f"sqlite:///{tmp_path / 'ledger.sqlite3'}",
        "CUTOVER_EXPOSE_OWNER": "yes",
    }


@contextmanager
def running(environ: dict[str, str], *options: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        port = listener.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", f"--bind=fd://{listener.fileno()}", "--worker-class=gthread",
             "--threads=4", "--graceful-timeout=2", "--no-control-socket", *options, "wsgi:application"],
            cwd=ROOT, env={**os.environ, **environ}, pass_fds=(listener.fileno(),), stderr=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def get(url: str) -> tuple[int, str | None, bytes]:
    """Status, owner and body of an answer."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.headers["X-Cutover-Owner"], answer.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.headers["X-Cutover-Owner"], refusal.read()


def test_a_route_moves_between_the_bundled_sides(environ: dict[str, str]) -> None:
    ledger = Ledger(environ["CUTOVER_LEDGER_URL"])
    with running(environ) as url:
        status, owner, before = get(f"{url}/health")
        assert (status, owner) == (200, "legacy")
        routes = ledger.routes("spot")
        assert len(routes) == 63
        assert all(route.native_available for route in routes)
        promote(ledger, "spot", ["GET /health"], who="tests", why="to see it move")
        after = wait_for_owner(f"{url}/health", "native")
        assert json.loads(before).keys() == json.loads(after).keys()
        assert get(f"{url}/api/admin/stats")[:2] == (200, "legacy")
        roll_back(ledger, "spot", ["GET /health"], who="tests", why="to see it come back")
        wait_for_owner(f"{url}/health", "legacy")


def wait_for_owner(url: str, owner: str) -> bytes:
    status, _, body = eventually(lambda: get(url), 1.0, until=lambda answer: answer[1] == owner)
    assert status == 200
    return body


def test_the_monolith_may_run_elsewhere(environ: dict[str, str]) -> None:
    with (
        shim.serve("legacy.spot:create_app()", env=environ) as upstream,
        running({**environ, "CUTOVER_UPSTREAM": upstream}) as url,
    ):
        assert get(f"{url}/health")[:2] == (200, "legacy")
        assert get(f"{url}/no/such/route")[:2] == (404, "legacy")
    with running({**environ, "CUTOVER_UPSTREAM": upstream}) as url:
        status, _, body = get(f"{url}/api/admin/stats")
        assert (status, json.loads(body)["code"]) == (502, "upstream_unreachable")


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("CUTOVER_READ_TIMEOUT", "soon", "CUTOVER_READ_TIMEOUT must be a number of seconds above 0"),
        ("CUTOVER_LEDGER_URL", "nonsense", "The ledger's URL is not understood"),
        ("CUTOVER_UPSTREAM", "ftp://old", "ftp:// is no way to reach a monolith"),
        ("CUTOVER_UPSTREAM", "no_such_module_anywhere:app", "no_such_module_anywhere"),
        ("CUTOVER_DOMAIN", "atlantis", "atlantis"),
    ],
)
@pytest.mark.parametrize("options", [[], ["--preload"]], ids=["workers load", "preload"])
def test_an_invalid_environment_stops_the_start(
    environ: dict[str, str], name: str, value: str, complaint: str, options: list[str]
) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--bind=127.0.0.1:0", "--no-control-socket", *options, "wsgi:application"],
        cwd=ROOT, env={**os.environ, **environ, name: value}, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert finished.returncode != 0
    said = [line for line in finished.stderr.splitlines() if line.startswith("Cutover can't start: ")]
    assert len(said) == 1
    assert complaint in said[0]
    assert "Traceback" not in finished.stderr
