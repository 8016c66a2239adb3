"""One vault behind four workers: unlocked once for all, locked for all, whoever dies."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.assistant.vaults import CHEAP, MASTER, sessions_of, wrong_many_times
from tests.support.serving import Answer, Server, serving
from tests.support.waiting import eventually

WORKERS = 4


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    environment = {
        "ASSISTANT_DATABASE_URL": f"sqlite:///{tmp_path / 'assistant.sqlite3'}",
        "ASSISTANT_DATA_DIR": str(tmp_path),
        **CHEAP,
    }
    # Each worker answers one connection at a time, so that all of them get some.
    application = "backend:create_app('assistant')"
    with serving(application, tmp_path, environment, workers=WORKERS, threads=1, ready="/openapi.json") as server:
        yield server
    shutil.rmtree(sessions_of(tmp_path), ignore_errors=True)


def call(server: Server, action: str, **parameters: Any) -> Answer:
    return server.request("POST", "/api/tools/password", {"action": action, "parameters": parameters})


def at_once(server: Server, count: int, action: str, **parameters: Any) -> list[Answer]:
    with ThreadPoolExecutor(2 * WORKERS) as callers:
        return list(callers.map(lambda _: call(server, action, **parameters), range(count)))


def test_four_workers_share_it(server: Server, tmp_path: Path) -> None:
    token = call(server, "setup", password=MASTER).json["data"]["token"]

    def store(number: int) -> int:
        return call(server, "store", service=f"s{number}", username="ann", password="pw", token=token).status

    with ThreadPoolExecutor(2 * WORKERS) as callers:
        assert list(callers.map(store, range(40))) == [200] * 40
    answers = at_once(server, 40, "list", limit=1000, token=token)
    assert {answer.json["data"]["total"] for answer in answers} == {40}

    victim = server.workers[0]
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: victim not in server.workers and len(server.workers) >= WORKERS)
    # The one that took its place never saw the master password.
    assert {answer.status for answer in at_once(server, 40, "list", token=token)} == {200}

    assert call(server, "lock").status == 200
    assert {answer.status for answer in at_once(server, 40, "list", token=token)} == {423}
    assert call(server, "unlock", password="wrong").status == 401
    wrong_many_times(tmp_path / "vault")
    assert {answer.status for answer in at_once(server, 16, "unlock", password=MASTER)} == {429}
    log = server.log.read_text()
    assert MASTER not in log and token not in log
