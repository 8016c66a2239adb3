"""The model's processes are killed: callers are told, and the model comes back."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.assistant import models
from tests.support import language_model
from tests.support.serving import Server, serving
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("llm-crashes")


@pytest.fixture(scope="module")
def server(directory: Path) -> Iterator[Server]:
    language_model.needed()
    with serving(models.APP, directory, models.environment(directory), workers=2, ready="/readyz") as running:
        models.load(running)
        yield running


def test_a_killed_model_ends_streams_with_an_error_and_comes_back(server: Server) -> None:
    restarts = models.status(server)["restarts"]
    with models.streaming(server, models.STORY, max_tokens=900) as stream:
        told = models.events(stream)
        next(told)
        os.kill(models.status(server)["model"]["pid"], signal.SIGKILL)
        *_, (name, error) = told
    assert name == "error"
    assert "ended unexpectedly" in error["detail"]
    refused = models.chat(server, "Say hello.")
    assert refused.status == 503
    assert refused.json["detail"] == error["detail"]
    assert int(refused.headers["Retry-After"]) >= 1
    answer = eventually(lambda: models.chat(server, "Say hello."), until=lambda answer: answer.status == 200)
    assert answer.json["response"]
    assert models.status(server)["restarts"] == restarts + 1


def test_an_old_client_is_told_in_its_own_framing(server: Server) -> None:
    eventually(lambda: models.status(server)["state"] == "ready")
    with models.streaming(server, models.STORY, headers={}, max_tokens=900) as stream:
        stream.readline()
        os.kill(models.status(server)["model"]["pid"], signal.SIGKILL)
        *_, last = stream.read().decode().strip().split("\n\n")
    assert last.startswith('data: {"error": "The model ended unexpectedly')


def test_a_killed_supervisor_takes_its_model_along_and_both_come_back(server: Server, directory: Path) -> None:
    eventually(lambda: models.status(server)["state"] == "ready")
    supervisor = models.supervisors(directory / "data")[0]
    orphan = models.status(server)["model"]["pid"]
    supervisor.send_signal(signal.SIGKILL)
    answer = eventually(lambda: models.chat(server, "Say hello."), until=lambda answer: answer.status == 200)
    assert answer.json["model_info"]["name"] == language_model.NAME
    eventually(lambda: not psutil.pid_exists(orphan))
    assert len(models.supervisors(directory / "data")) == 1
    assert len(models.model_processes(directory / "data")) == 1


def test_a_killed_worker_costs_the_model_nothing(server: Server) -> None:
    eventually(lambda: models.status(server)["state"] == "ready")
    before = models.status(server)["model"]["pid"]
    killed = server.workers[0]
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: len(server.workers) == 2 and killed not in server.workers)
    assert models.chat(server, "Say hello.").status == 200
    assert models.status(server)["model"]["pid"] == before


def test_readiness_tells_that_the_model_is_lost_and_that_it_is_back(server: Server, directory: Path) -> None:
    eventually(lambda: models.status(server)["state"] == "ready")
    lost = models.status(server)["model"]["pid"]

    def successor() -> psutil.Process | None:
        return next((child for child in models.model_processes(directory / "data") if child.pid != lost), None)

    os.kill(lost, signal.SIGKILL)
    # Held while it loads, so that there is time to look.
    held = eventually(successor)
    held.suspend()
    try:
        answer = eventually(lambda: server.request("GET", "/readyz"), until=lambda answer: answer.status == 503)
        checks = answer.json["checks"]
        assert checks["llama_supervisor"]["state"] == "failed"
        assert "ended unexpectedly" in checks["llama_supervisor"]["error"]
        assert checks["database"]["state"] == "ready"
        answer = eventually(lambda: server.request("GET", "/api/ready"), until=lambda answer: answer.status == 503)
        told = answer.json
        assert (told["ready"], told["services"]) == (False, {"llama_supervisor": False})
    finally:
        held.resume()
    eventually(lambda: server.request("GET", "/readyz").status == 200)
    eventually(lambda: server.request("GET", "/api/ready").status == 200)
