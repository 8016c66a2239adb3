"""Routes move while agents call: nothing fails, both workers follow; the monolith may die and come back."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.cli import ROOT, cutover
from tests.support.net import free_port
from tests.support.waiting import eventually

START_TIMEOUT = 60.0


@contextmanager
def gunicorn(app: str, port: int, workers: int, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Serve ``app`` until the block ends; ready when it yields."""
    command = [
        *(sys.executable, "-m", "gunicorn", app, f"--bind=127.0.0.1:{port}", f"--workers={workers}"),
        *("--worker-class=gthread", "--threads=8", "--graceful-timeout=3", "--log-level=error"),
    ]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    try:
        deadline = time.monotonic() + START_TIMEOUT
        while status(port, "GET", "/health")[0] != 200:
            assert process.poll() is None, f"{app} did not start"
            assert time.monotonic() < deadline, f"{app} does not answer"
            time.sleep(0.05)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def status(port: int, method: str, path: str, body: object = None, **headers: str) -> tuple[int, str, object]:
    """Status, owner and JSON of one answer; status 0 where there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, answer.headers.get("X-Cutover-Owner", ""), json.loads(text or b"null")
    except (OSError, ValueError):
        return 0, "", None
    finally:
        connection.close()


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name in ("models", "decision_engines"):
        (tmp_path / name).mkdir()
    return {
        **os.environ,
        "SPOT_DATABASE_URL": f"sqlite:///{tmp_path}/spot.sqlite3",
        "CUTOVER_LEDGER_URL": f"sqlite:///{tmp_path}/ledger.sqlite3",
        "CUTOVER_EXPOSE_OWNER": "true",
        "MODEL_DIR": str(tmp_path / "models"),
        "DECISION_ENGINE_DIR": str(tmp_path / "decision_engines"),
    }


@pytest.fixture
def legacy_port() -> int:
    return free_port()


@contextmanager
def monolith(port: int, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with gunicorn("legacy.spot:create_app()", port, 1, environment) as process:
        yield process


@pytest.fixture
def old_side(legacy_port: int, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with monolith(legacy_port, environment) as process:
        yield process


@pytest.fixture
def agent(
    legacy_port: int, old_side: subprocess.Popen[bytes], environment: dict[str, str]
) -> Iterator[tuple[int, str, dict[str, str]]]:
    """A monolith and its proxied successor at work on one database, with a registered agent: port, id, headers."""
    port = free_port()
    proxied = {**environment, "CUTOVER_UPSTREAM": f"http://127.0.0.1:{legacy_port}"}
    seeded = cutover("routes", "--seed", "legacy.spot:create_app()", "--native", "backend:create_app", **environment)
    assert seeded.status == 0, seeded.errors
    with gunicorn("wsgi:application", port, 2, proxied):
        _, _, created = status(port, "POST", "/api/admin/clients/create", {"name": "Move Co"})
        token = created["client"]["token"]  # type: ignore[index]
        headers = {"Authorization": f"Bearer {token}"}
        registration = {
            "client_token": token,
            "logical_agent_id": "move-01",
            "instance_id": "i-move01",
            "instance_type": "t3.medium",
            "region": "us-east-1",
            "az": "us-east-1a",
        }
        code, _, registered = status(port, "POST", "/api/agents/register", registration, **headers)
        assert code == 200
        yield port, registered["agent_id"], headers  # type: ignore[index]


def test_routes_move_while_agents_call(agent: tuple[int, str, dict[str, str]], environment: dict[str, str]) -> None:
    port, agent_id, headers = agent
    calls = (
        ("POST", f"/api/agents/{agent_id}/heartbeat", {"status": "online"}),
        ("GET", f"/api/agents/{agent_id}/config", None),
        ("GET", f"/api/agents/{agent_id}/pending-commands", None),
    )
    over = threading.Event()
    answers: Counter[tuple[int, str]] = Counter()

    def keep_calling(number: int) -> None:
        while not over.is_set():
            method, path, body = calls[number % len(calls)]
            code, owner, _ = status(port, method, path, body, **headers)
            answers[code, owner] += 1

    callers = [threading.Thread(target=keep_calling, args=(number,)) for number in range(4)]
    for caller in callers:
        caller.start()
    try:
        for command, owner in (("promote", "native"), ("rollback", "legacy"), ("promote", "native")):
            moved = cutover(command, "/api/agents/*", "--why", "the test", **environment)
            assert moved.status == 0, moved.errors
            eventually(
                lambda: {status(port, "GET", calls[1][1], **headers)[1] for _ in range(8)},
                1.0,
                until=lambda owners, owner=owner: owners == {owner},  # type: ignore[misc]
            )
    finally:
        over.set()
        for caller in callers:
            caller.join()
    assert {code for code, _ in answers} == {200}
    assert {owner for _, owner in answers} == {"legacy", "native"}


def test_the_monolith_dies_and_comes_back(
    agent: tuple[int, str, dict[str, str]],
    old_side: subprocess.Popen[bytes],
    environment: dict[str, str],
    legacy_port: int,
) -> None:
    port, agent_id, headers = agent
    assert cutover("promote", "/api/agents/*", **environment).status == 0
    config = f"/api/agents/{agent_id}/config"
    # Twenty in a row are not all from the same one of two workers.
    eventually(lambda: all(status(port, "GET", config, **headers)[1] == "native" for _ in range(20)), 1.0)
    os.killpg(old_side.pid, signal.SIGKILL)
    eventually(lambda: not status(legacy_port, "GET", "/health")[0])
    for _ in range(4):
        assert status(port, "GET", config, **headers)[:2] == (200, "native")
        asked = time.monotonic()
        code, owner, body = status(port, "GET", "/api/admin/stats")
        assert (code, owner) == (502, "legacy")
        assert body["code"] == "upstream_unreachable"  # type: ignore[index]
        assert time.monotonic() - asked < 0.9
    with monolith(legacy_port, environment):
        assert status(port, "GET", "/api/admin/stats")[:2] == (200, "legacy")
