"""What the desktop's shell calls, on a server as it runs: monitoring over workers, and being shut down."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.assistant.screens import post
from tests.assistant.tools import Tools
from tests.support.displays import Display, running_display
from tests.support.serving import Server, serving
from tests.support.waiting import eventually

APP = "backend:create_app('assistant')"


@pytest.fixture(scope="module")
def display() -> Iterator[Display]:
    with running_display() as display:
        yield display


@contextmanager
def assistant(
    directory: Path, display: Display | None = None, workers: int = 2, **environment: str
) -> Iterator[Server]:
    """A server with its data in `directory`."""
    given = {
        "ASSISTANT_DATABASE_URL": f"sqlite:///{directory / 'assistant.sqlite3'}",
        "DATA_DIR": str(directory / "data"),
        "LOG_LEVEL": "ERROR",
        "DISPLAY": display.name if display else "",
        "WAYLAND_DISPLAY": "",
        **environment,
    }
    with serving(APP, directory, given, workers=workers) as server:
        yield server


def pictures(directory: Path) -> list[Path]:
    return sorted((directory / "data" / "captures").glob("*.png"))


def started(server: Server, interval: float) -> None:
    answer = server.request("POST", "/start-monitoring", {"interval": interval})
    assert (answer.status, answer.json) == (200, {"status": "monitoring_started", "interval": interval})


def stopped(server: Server) -> None:
    answer = server.request("POST", "/stop-monitoring")
    assert (answer.status, answer.json) == (200, {"status": "monitoring_stopped"})


def test_health_is_what_the_shell_reads(tools: Tools) -> None:
    answer = tools.app.test_client().get("/health", base_url="http://127.0.0.1:8756")
    assert answer.status_code == 200
    assert answer.json["status"] == "ok"
    assert answer.json["model_loaded"] is False
    assert isinstance(answer.json["gpu_available"], bool)


def test_monitoring_is_one_loop_however_often_and_wherever_it_is_started(tmp_path: Path, display: Display) -> None:
    with assistant(tmp_path, display, workers=3) as server:
        for _ in range(6):
            started(server, 3600)
        assert len(pictures(tmp_path)) == 6  # each start looks at the screen at once
        assert len(holders(server, tmp_path / "data" / "captures" / "monitor.lock")) == 1
        started(server, 1)
        began = time.monotonic()
        eventually(lambda: len(pictures(tmp_path)) >= 10)
        assert time.monotonic() - began > 2  # six loops would have made them at once
        started(server, 3600)
        stopped(server)
        after = len(pictures(tmp_path))
        started(server, 3600)
        assert len(pictures(tmp_path)) == after + 1
        stopped(server)
        stopped(server)
        assert not (tmp_path / "data" / "captures" / "monitor.json").exists()


def test_monitoring_goes_on_when_its_process_is_killed_and_ends_with_the_server(
    tmp_path: Path, display: Display
) -> None:
    with assistant(tmp_path, display) as server:
        started(server, 1)
        lock = tmp_path / "data" / "captures" / "monitor.lock"
        (holder,) = holders(server, lock)
        os.kill(holder, signal.SIGKILL)
        eventually(lambda: holder not in server.workers and len(server.workers) == 2)
        before = len(pictures(tmp_path))

        def goes_on() -> bool:
            assert server.request("GET", "/health").json["status"] == "ok"
            return len(pictures(tmp_path)) > before + 1

        eventually(goes_on)
    left = json.loads((tmp_path / "data" / "captures" / "monitor.json").read_text())
    assert left["server"] == server.process.pid
    kept = len(pictures(tmp_path))
    with assistant(tmp_path, display) as server:
        assert server.request("GET", "/health").json["status"] == "ok"
        assert holders(server, lock) == []
        assert len(pictures(tmp_path)) == kept


def holders(server: Server, lock: Path) -> list[int]:
    """The workers that run the loop."""
    return [pid for pid in server.workers if any(f.path == str(lock) for f in psutil.Process(pid).open_files())]


def test_without_a_display_monitoring_does_not_start(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    answer = post(tools, "/start-monitoring", {"interval": 30})
    assert (answer.status_code, answer.json["detail"][:43]) == (503, "Screen capture is not available: no display")
    assert post(tools, "/stop-monitoring").json == {"status": "monitoring_stopped"}
    for interval in (0, -1, 86_401, "often", None, 1.5):
        assert post(tools, "/start-monitoring", {"interval": interval}).status_code == 422
    assert post(tools, "/start-monitoring").status_code == 422


def test_a_shutdown_is_answered_and_then_ends_the_server(tmp_path: Path) -> None:
    with assistant(tmp_path, ALLOW_SHUTDOWN="on") as server:
        assert server.request("GET", "/shutdown").status == 405
        answer = server.request("POST", "/shutdown")
        assert (answer.status, answer.json) == (200, {"message": "Shutdown initiated"})
        assert server.process.wait(10) == 0


REFUSED = {
    "through a proxy": {"X_Forwarded_For": "127.0.0.1"},
    "for a proxy's client": {"Forwarded": "for=127.0.0.1"},
    "by way of another server": {"Via": "1.1 proxy"},
    "by somebody else's page": {"Origin": "https://example.org"},
    "by a page without an origin": {"Origin": "null"},
}


def test_only_programs_on_this_machine_that_call_directly_shut_down(tmp_path: Path) -> None:
    with assistant(tmp_path, ALLOW_SHUTDOWN="on", TRUSTED_PROXIES="1", workers=1) as server:
        for headers in REFUSED.values():
            answer = server.request("POST", "/shutdown", **headers)
            assert (answer.status, answer.json["detail"][:22]) == (403, "Only programs on this ")
        assert server.request("GET", "/health").status == 200
        assert server.process.poll() is None
        assert server.request("POST", "/shutdown", Origin="http://localhost:3000").status == 200
        assert server.process.wait(10) == 0


def test_another_machine_shuts_nothing_down(tools: Tools) -> None:
    settings = tools.app.extensions["shell"]
    tools.app.extensions["shell"] = type(settings)(allow_shutdown=True, origins=settings.origins)
    for address in ("192.0.2.7", "2001:db8::1", "::ffff:192.0.2.7", "", "localhost"):
        answer = post(tools, "/shutdown", environ_base={"REMOTE_ADDR": address, "SERVER_SOFTWARE": "gunicorn/27"})
        assert (answer.status_code, answer.json["detail"][:22]) == (403, "Only programs on this ")
    for address in ("127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"):
        answer = post(tools, "/shutdown", environ_base={"REMOTE_ADDR": address})
        assert (answer.status_code, answer.json["detail"][:18]) == (403, "There is no server")


def test_nobody_shuts_down_what_is_not_meant_to_be(tmp_path: Path) -> None:
    with assistant(tmp_path, workers=1) as server:
        answer = server.request("POST", "/shutdown")
        assert (answer.status, "ALLOW_SHUTDOWN=on" in answer.json["detail"]) == (403, True)
        assert server.request("GET", "/health").status == 200


def test_a_data_directory_that_cannot_be_written_to_is_told(tools: Tools) -> None:
    (tools.app.extensions["screen"].directory / "monitor.change").mkdir()
    for path, body in (("/stop-monitoring", None), ("/api/tools/screen", {"action": "stop_monitoring"})):
        answer = post(tools, path, body)
        assert answer.status_code == 503
        assert "can be kept in the data directory" in answer.json["detail"]
