"""`python backend/server.py`, driven as the desktop's shell drives it."""

from __future__ import annotations

import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.assistant.desktop_shell import SERVER, desktop
from tests.support import language_model
from tests.support.cli import ROOT
from tests.support.displays import running_display
from tests.support.net import free_port
from tests.support.waiting import eventually

DATA = Path(".local") / "share" / "westfall-assistant"


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended, whether or not anybody has taken notice."""
    return [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def test_a_day_of_the_shell(tmp_path: Path) -> None:
    with running_display() as display, desktop(tmp_path, DISPLAY=display.name) as server:
        status, health = server.call("GET", "/health")
        assert (status, health["status"]) == (200, "ok")
        status, captured = server.call("POST", "/capture-screen")
        assert (status, captured["success"]) == (200, True)
        assert isinstance(captured["message"], str)
        assert captured["timestamp"] == pytest.approx(time.time(), abs=60)
        captures = tmp_path / DATA / "captures"
        assert Path(captured["filepath"]).parent == captures
        assert server.call("POST", "/start-monitoring", {"interval": 1})[1]["status"] == "monitoring_started"
        eventually(lambda: len(list(captures.glob("*.png"))) >= 4)
        assert server.call("POST", "/stop-monitoring")[1]["status"] == "monitoring_stopped"
        server.call("POST", "/start-monitoring", {"interval": 30})
        family = [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)]
        assert server.call("POST", "/shutdown")[0] == 200
        assert server.process.wait(5) == 0
        assert not alive(family)
    assert stat.S_IMODE((tmp_path / DATA).stat().st_mode) == 0o700
    assert (tmp_path / DATA / "assistant.sqlite3").is_file()


def test_it_ends_in_time_and_its_port_is_free_at_once(tmp_path: Path) -> None:
    port = free_port()
    for _ in range(2):
        with desktop(tmp_path, "--port", str(port), port=port) as server:
            workers = psutil.Process(server.process.pid).children()
            # A connection that stays open keeps nobody waiting.
            with socket.create_connection(("127.0.0.1", port)):
                assert server.call("GET", "/health")[0] == 200
                assert server.end() == 0
            assert not alive(workers)


def test_after_being_killed_it_starts_again_with_what_it_knew(tmp_path: Path) -> None:
    port = free_port()
    expense = {"action": "add_transaction", "parameters": {"amount": 12.5, "description": "IDE"}}
    with desktop(tmp_path, port=port) as server:
        assert server.call("POST", "/api/tools/finance", expense)[0] == 200
        workers = psutil.Process(server.process.pid).children()
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(5)
        # A worker sees within moments that it is alone.
        eventually(lambda: not alive(workers))
    with desktop(tmp_path, port=port) as server:
        balance = server.call("POST", "/api/tools/finance", {"action": "balance"})[1]
        assert balance["data"]["expenses"] == "12.50"


def test_all_flags_of_the_shell_are_taken(tmp_path: Path) -> None:
    flags = ("--host", "127.0.0.1", "--gpu-layers", "-1", "--log-level", "warning", "--reload", "--unheard-of", "7")
    model = tmp_path / "missing.gguf"
    with desktop(tmp_path, *flags, "--model", str(model)) as server:
        assert server.call("GET", "/health")[1]["model_loaded"] is False
        eventually(lambda: "The model was not loaded: " in server.errors.read_text())
        assert "Not known, and ignored: --unheard-of 7" in server.errors.read_text()
        assert server.call("GET", "/api/health")[0] == 200


def test_the_model_that_is_named_is_loaded_after_the_start(tmp_path: Path) -> None:
    model = language_model.needed()
    quick = {"LLM_THREADS": "1", "LLM_CONTEXT_LENGTH": "512", "LLM_LINGER_SECONDS": "1"}
    with desktop(tmp_path, "--model", str(model), **quick) as server:
        eventually(lambda: server.call("GET", "/health")[1]["model_loaded"])
        assert server.call("GET", "/api/llm/models/current")[1]["name"] == model.name
        assert server.end() == 0


def test_settings_that_are_given_count(tmp_path: Path) -> None:
    elsewhere = {"DATA_DIR": str(tmp_path / "elsewhere"), "ALLOW_SHUTDOWN": "off"}
    with desktop(tmp_path / "home", **elsewhere) as server:
        assert server.call("POST", "/shutdown")[0] == 403
        assert (tmp_path / "elsewhere" / "assistant.sqlite3").is_file()
    assert not (tmp_path / "home" / DATA).exists()


def test_it_runs_from_anywhere_without_being_installed(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "backend", tmp_path / "app" / "backend", ignore=shutil.ignore_patterns("__pycache__"))
    about = tmp_path / "app" / "backend" / "assistant" / "services" / "system.py"
    about.write_text(about.read_text().replace('VERSION = "1.0.0"', 'VERSION = "9.9.9"'))
    with desktop(tmp_path / "home", server=tmp_path / "app" / "backend" / "server.py") as server:
        assert server.call("GET", "/")[1]["version"] == "9.9.9"


@pytest.mark.parametrize(
    ("flags", "environment", "sentence"),
    [
        (("--port", "{taken}"), {}, "can't be listened on (Address already in use): choose another one."),
        ((), {"PORT": "many"}, "'many' is no port"),
        ((), {"LOG_LEVEL": "loud"}, "LOG_LEVEL must be one of"),
        (("--host", "no.such.host.invalid"), {}, "can't be listened on"),
    ],
)
def test_what_it_can_not_start_with_is_said_in_a_sentence(
    tmp_path: Path, flags: tuple[str, ...], environment: dict[str, str], sentence: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        given = [flag.format(taken=taken.getsockname()[1]) for flag in flags]
        done = subprocess.run(
            [sys.executable, str(SERVER), *given],
            env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", **environment},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert done.stdout == ""
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
