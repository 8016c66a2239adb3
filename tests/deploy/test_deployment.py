"""What is shipped for production: the files hold together, and what they start serves, stops well and is complete."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.support.cli import ROOT
from tests.support.net import free_port
from tests.support.serving import NO_ANSWER, Server, serving

DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
CONFIG = DEPLOY / "gunicorn.conf.py"


def start(directory: Path, **environment: str) -> Server:
    """gunicorn with the shipped configuration and nothing else."""
    port = free_port()
    log = directory / "gunicorn.log"
    state = {"SPOT_DATABASE_URL": f"sqlite:///{directory}/spot.sqlite3", "BIND": f"127.0.0.1:{port}"}
    state["CUTOVER_LEDGER_URL"] = f"sqlite:///{directory}/ledger.sqlite3"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--config", str(CONFIG), "wsgi:application"],
            cwd=ROOT,
            env={**os.environ, **state, **environment},
            stdout=output,
            stderr=output,
        )
    server = Server(port, process, log)
    pause = threading.Event()
    for _ in range(600):
        if server.request("GET", "/health").status == 200:
            return server
        assert process.poll() is None, log.read_text()
        pause.wait(0.1)
    raise AssertionError(log.read_text())


def test_the_shipped_configuration_serves_and_stops_without_losing_a_request(tmp_path: Path) -> None:
    server = start(tmp_path, HOME=str(tmp_path / "home"), XDG_RUNTIME_DIR=str(tmp_path))
    assert not list(tmp_path.rglob("gunicorn.ctl"))  # one for all servers of a user would be nobody's
    statuses: list[int] = []

    def ask() -> None:
        while (answer := server.request("GET", "/health")) != NO_ANSWER:
            statuses.append(answer.status)

    callers = [threading.Thread(target=ask) for _ in range(4)]
    for caller in callers:
        caller.start()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(45) == 0
    for caller in callers:
        caller.join(45)
    assert statuses
    assert set(statuses) == {200}


HALF_REQUESTS = (
    b"GET /health HTTP/1.1\r\nHo",
    b"POST /api/agents/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
    b"POST /api/agents/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
)


def test_nobody_holds_a_thread_by_being_silent(tmp_path: Path) -> None:
    server = start(tmp_path, CUTOVER_CLIENT_TIMEOUT="0.5", WEB_WORKERS="1", WEB_THREADS="2")
    try:
        for half in HALF_REQUESTS:
            with (
                socket.create_connection(("127.0.0.1", server.port), 20) as one,
                socket.create_connection(("127.0.0.1", server.port), 20) as other,
            ):
                one.sendall(half)
                other.sendall(half)
                assert server.request("GET", "/health").status == 200
    finally:
        server.process.terminate()
        server.process.wait(45)
    assert "Traceback" not in server.log.read_text()


def test_on_an_address_that_others_can_reach_somebody_must_have_decided(tmp_path: Path) -> None:
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if "ADMIN_ACCESS" not in name}
    refused = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--config", str(CONFIG), "wsgi:application"],
        cwd=ROOT,
        env={
            **environment,
            "BIND": f"0.0.0.0:{port}",
            "WEB_CONCURRENCY": "1",
            "SPOT_DATABASE_URL": f"sqlite:///{tmp_path}/spot.sqlite3",
            "CUTOVER_LEDGER_URL": f"sqlite:///{tmp_path}/ledger.sqlite3",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode != 0
    assert "ADMIN_ACCESS" in refused.stderr


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("WEB_THREADS", "0", "a whole number, 1 or more"),
        ("WEB_THREADS", "many", "a whole number, 1 or more"),
        ("WEB_WORKERS", "abc", "a whole number, 1 or more"),
        ("WEB_CONCURRENCY", "0", "a whole number, 1 or more"),
        ("MAX_REQUESTS", "1e3", "a whole number, 0 or more"),
        ("GRACEFUL_TIMEOUT", "", "a whole number, 1 or more"),
        ("GUNICORN_LOG_LEVEL", "loud", "one of debug, info, warning, error, critical"),
    ],
)
def test_a_value_that_is_not_allowed_is_named_and_what_is(name: str, value: str, allowed: str) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--config", str(CONFIG), "wsgi:application"],
        cwd=ROOT, env={**os.environ, "BIND": "127.0.0.1:0", name: value}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert refused.returncode != 0
    assert refused.stderr == f"gunicorn can't start: {name} must be {allowed}, not {value!r}.\n"


class TestImage:
    """Docker is not needed: the image's steps are few, and each is checked by itself."""

    def test_every_file_it_copies_exists(self) -> None:
        sources = [
            source
            for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
            for source in line.split()[:-1]
        ]
        assert len(sources) > 8
        assert [source for source in sources if not (ROOT / source).exists()] == []

    def test_it_runs_as_nobody_special_and_is_asked_for_its_health(self) -> None:
        final = DOCKERFILE.rpartition("\nFROM ")[2]
        assert re.search(r"^USER (?!root)\w+$", final, re.MULTILINE)
        assert "/healthz" in final.partition("HEALTHCHECK")[2]

    def test_what_it_installs_serves_from_anywhere(self, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.mkdir()
        for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "wsgi.py"):
            shutil.copy(ROOT / name, source)
        for name in ("backend", "legacy", "migration"):
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        build = [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--wheel-dir",
            str(tmp_path),
            str(source),
        ]
        subprocess.run(build, check=True, capture_output=True, timeout=240)
        (wheel,) = tmp_path.glob("*.whl")
        installed = tmp_path / "installed"
        zipfile.ZipFile(wheel).extractall(installed)
        environment = {
            "PYTHONPATH": str(installed),
            "SPOT_DATABASE_URL": f"sqlite:///{tmp_path}/spot.sqlite3",
            "CUTOVER_LEDGER_URL": f"sqlite:///{tmp_path}/ledger.sqlite3",
        }
        with serving("wsgi:application", tmp_path, environment, workers=1, cwd=tmp_path) as server:
            assert server.request("GET", "/health").json["status"] == "healthy"
            assert server.request("GET", "/api/admin/stats").status == 200


class TestUnit:
    def unit(self) -> configparser.ConfigParser:
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read(DEPLOY / "cutover.service")
        return parser

    def test_it_starts_what_is_shipped(self) -> None:
        program, *arguments = shlex.split(self.unit()["Service"]["ExecStart"])
        assert program == "/opt/cutover/.venv/bin/gunicorn"
        assert arguments == ["--config", "/opt/cutover/deploy/gunicorn.conf.py", "wsgi:application"]

    def test_it_has_no_privileges(self) -> None:
        service = self.unit()["Service"]
        assert service["User"] not in ("", "root")
        assert service["NoNewPrivileges"] == "true"
        assert service["ProtectSystem"] == "strict"

    def test_systemd_understands_it(self, tmp_path: Path) -> None:
        text = (DEPLOY / "cutover.service").read_text()
        unit = tmp_path / "cutover.service"
        unit.write_text(re.sub(r"/opt/cutover/\.venv/bin/\w+", "/bin/true", text))
        if shutil.which("systemd-analyze") is None and os.environ.get("CI", "").lower() != "true":
            pytest.skip("checking the unit needs systemd-analyze: install the package systemd")
        done = subprocess.run(
            ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


class TestCompose:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())

    def test_databases_are_waited_for(self) -> None:
        services = self.compose["services"]
        assert {"cutover", "migrate", "mariadb", "redis"} == set(services)
        assert all("healthcheck" in services[name] for name in ("mariadb", "redis"))
        assert services["migrate"]["depends_on"]["mariadb"]["condition"] == "service_healthy"
        assert services["cutover"]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"

    def test_no_secret_has_a_default(self) -> None:
        text = (DEPLOY / "compose.yaml").read_text()
        assert {"MARIADB_PASSWORD", "ADMIN_TOKEN"} <= set(re.findall(r"\$\{(\w+):\?", text))
        assert not re.search(r"\$\{\w+(:-|-)", text)

    def test_the_door_is_reached_by_this_machine_only(self) -> None:
        assert all(port.startswith("127.0.0.1:") for port in self.compose["services"]["cutover"]["ports"])


@pytest.mark.parametrize("variable", sorted(re.findall(r'environ\.get\("(\w+)"', CONFIG.read_text())))
def test_every_setting_of_the_configuration_is_described(variable: str) -> None:
    assert f"`{variable}`" in (ROOT / "README.md").read_text()


def test_what_a_worker_has_loaded_is_not_searched_for_garbage(tmp_path: Path) -> None:
    (tmp_path / "frozen.py").write_text(
        "import gc\n"
        "def application(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    return [str(gc.get_freeze_count()).encode()]\n"
    )
    options = ["--config", str(CONFIG), "--chdir", str(tmp_path)]
    with serving("frozen:application", tmp_path, {}, workers=1, ready="/", options=options) as server:
        assert int(server.request("GET", "/").body) > 1000
