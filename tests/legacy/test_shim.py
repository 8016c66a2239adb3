"""The shim: reaching a monolith by URL, in this process, and in a process of its own."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from legacy import shim
from legacy.shim import TargetError
from tests.support.net import free_port
from tests.support.waiting import eventually

MONOLITH = """
import json, os, threading

requests = []

def answer(environ, start_response):
    requests.append(environ["REQUEST_METHOD"] + " " + environ["PATH_INFO"])
    if environ["PATH_INFO"] == "/slow":
        open(environ["QUERY_STRING"], "w").close()
        threading.Event().wait(0.5)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"pid": os.getpid(), "requests": requests, "colour": os.environ.get("COLOUR")}).encode()]

def build(name, size=1, *, flag=None):
    def named(environ, start_response):
        start_response("200 OK", [])
        return [repr((name, size, flag)).encode()]
    return named

def create_app():
    return answer

make_app = create_app

def broken():
    raise RuntimeError("no database")

def returns_text():
    return "text"

number = 5
"""


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A monolith in the working directory."""
    directory = tmp_path_factory.mktemp("monolith")
    (directory / "shimmed").mkdir()
    (directory / "shimmed" / "__init__.py").touch()
    (directory / "shimmed" / "server.py").write_text(MONOLITH)
    (directory / "shimmed" / "fails.py").write_text("import not_installed_anywhere")
    (directory / "shimmed" / "raises.py").write_text("1 / 0")
    before, path = Path.cwd(), list(sys.path)
    os.chdir(directory)
    yield "shimmed.server"
    os.chdir(before)
    sys.path[:] = path
    for name in [name for name in sys.modules if name.startswith("shimmed")]:
        del sys.modules[name]


def body_of(application: Any) -> bytes:
    return b"".join(application({"REQUEST_METHOD": "GET", "PATH_INFO": "/", "QUERY_STRING": ""}, lambda *_: None))


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("HTTP://Legacy.Example/", "http://legacy.example"),
        ("https://legacy.example/api/v1/", "https://legacy.example/api/v1"),
        ("http://[::1]:5000/", "http://[::1]:5000"),
    ],
)
def test_a_url_is_normalised(written: str, normal: str) -> None:
    assert shim.connect(written) == normal


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("ftp://host/", "ftp:// is no way to reach a monolith"),
        ("http://", "is not the base URL"),
        ("http://host/?a=1", "is not the base URL"),
        ("http://host:port/", "no valid port"),
        ("http://host:99999/", "no valid port"),
        ("http://user:secret@host/", "must not hold a user name or a password"),
        ("", "no import path"),
        ("shimmed.server", "no import path"),
        ("shimmed/server.py:app", "no import path"),
        (":app", "no import path"),
        ("shimmed.server:", "no import path"),
        ("shimmed.server:a.b", "no import path"),
        ("shimmed.server:build(", "no import path"),
        ("shimmed.server:build()()", "no import path"),
        ("shimmed.server:build(name)", "must be literals"),
        ("shimmed.server:build(**{'a': 1})", "must be literals"),
        ("shimmed.missing:app", "There is no module shimmed.missing"),
        ("missing_package.server:app", "There is no module missing_package"),
        ("shimmed.fails:app", "Importing shimmed.fails failed: No module named 'not_installed_anywhere'"),
        ("shimmed.raises:app", "Importing shimmed.raises failed with ZeroDivisionError"),
        ("shimmed.server:app", "The module shimmed.server has no app"),
        ("shimmed.server:number", "a int cannot be called"),
        ("shimmed.server:number()", "is a int and cannot be called"),
        ("shimmed.server:returns_text()", "a str cannot be called"),
        ("json:loads", "json:loads is not a WSGI application: it can't be called with an environment"),
        ("shimmed.server:broken()", "shimmed.server:broken failed with RuntimeError: no database."),
        ("shimmed.server:build()", "shimmed.server:build failed with TypeError"),
    ],
)
def test_a_target_that_cannot_be_reached_is_refused_in_one_sentence(module: str, target: str, message: str) -> None:
    with pytest.raises(TargetError, match=re.escape(message)) as refusal:
        shim.connect(target)
    assert "\n" not in str(refusal.value)
    assert "secret" not in str(refusal.value)


def test_an_application_is_loaded_as_it_is(module: str) -> None:
    assert b'"GET /"' in body_of(shim.load(f"{module}:answer"))
    assert shim.connect(f"{module}:answer") is shim.load(f"{module}:answer")


@pytest.mark.parametrize("factory", ["create_app", "create_app()", "make_app", "make_app()"])
def test_a_factory_is_called(module: str, factory: str) -> None:
    assert shim.load(f"{module}:{factory}") is shim.load(f"{module}:answer")


def test_a_factory_gets_its_literal_arguments(module: str) -> None:
    assert body_of(shim.load(f"{module}:build('a b', 2, flag=None)")) == b"('a b', 2, None)"
    assert body_of(shim.load(f"{module}:build(['x'], flag=-1)")) == b"(['x'], 1, -1)"


def test_a_url_is_neither_loaded_nor_served() -> None:
    with pytest.raises(TargetError, match="runs already"):
        shim.load("http://host/")
    with pytest.raises(TargetError, match="runs already"), shim.serve("http://host/"):
        pass


def test_serve_runs_the_application_in_a_process_of_its_own(module: str) -> None:
    with shim.serve(f"{module}:create_app", env={"COLOUR": "green"}) as url, urlopen(f"{url}/a", timeout=10) as answer:
        text = answer.read().decode()
    assert '"colour": "green"' in text
    assert f'"pid": {os.getpid()}' not in text
    assert '"requests": ["GET /a"]' in text, "the wait for its start must not reach the application"
    with pytest.raises(OSError, match="refused"):
        urlopen(url, timeout=10)


def test_serve_passes_literal_arguments(module: str) -> None:
    with shim.serve(f"{module}:build('it\\'s \"quoted\"', 2)") as url, urlopen(url, timeout=10) as answer:
        assert answer.read().decode() == "('it\\'s \"quoted\"', 2, None)"


def test_serve_uses_several_workers(module: str) -> None:
    with shim.serve(f"{module}:answer", workers=2, threads=1) as url:
        pids: set[str] = set()
        deadline = time.monotonic() + 30
        while len(pids) < 2:
            assert time.monotonic() < deadline, "the second worker never answers"
            with urlopen(url, timeout=10) as answer:
                pids.update(re.findall(r'"pid": (\d+)', answer.read().decode()))


def test_serve_lets_running_requests_finish(module: str, tmp_path: Path) -> None:
    bodies: list[bytes] = []
    marker = tmp_path / "started"
    with shim.serve(f"{module}:answer") as url:
        thread = threading.Thread(target=lambda: bodies.append(urlopen(f"{url}/slow?{marker}", timeout=10).read()))
        thread.start()
        eventually(marker.exists)
    thread.join(10)
    assert b"/slow" in bodies[0]


def test_serve_shows_the_end_of_the_log_of_what_does_not_start(module: str) -> None:
    with pytest.raises(TargetError) as refusal, shim.serve(f"{module}:broken()"):
        pass
    text = str(refusal.value)
    assert text.startswith("shimmed.server:broken() did not start:\n")
    assert "shimmed.server:broken failed with RuntimeError: no database." in text
    assert "Traceback" not in text


def test_serve_gives_up_on_what_does_not_answer_in_time(module: str) -> None:
    (Path.cwd() / "shimmed" / "hangs.py").write_text("import threading\nthreading.Event().wait(30)\n")
    with (
        pytest.raises(TargetError, match="did not answer in time"),
        shim.serve("shimmed.hangs:app", startup_timeout=0.5),
    ):
        pass


def test_the_command_serves_until_it_is_stopped(module: str) -> None:
    port = free_port()
    command = [sys.executable, "-m", "legacy.shim", f"{module}:create_app", "--bind", f"127.0.0.1:{port}"]
    root = str(Path(shim.__file__).parent.parent)
    with subprocess.Popen(
        [*command, "--workers", "1", "--threads", "2"],
        env={**os.environ, "PYTHONPATH": root},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if "Booting worker" in line:
                    break
            assert status_of(port) == 200
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def status_of(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/")
    return connection.getresponse().status


def test_the_command_explains_a_bad_target() -> None:
    root = str(Path(shim.__file__).parent.parent)
    result = subprocess.run(
        [sys.executable, "-m", "legacy.shim", "nonsense"],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert result.returncode == 2
    assert result.stderr.startswith("error: 'nonsense' is no import path")
    assert "Traceback" not in result.stderr
