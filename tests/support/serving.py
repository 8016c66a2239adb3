"""A server as operators run it: gunicorn with several workers, on 127.0.0.1."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.support.cli import ROOT
from tests.support.net import free_port

START_SECONDS = 60.0
STOP_SECONDS = 20.0


@dataclass(frozen=True)
class Answer:
    """One answer; status 0 stands for none."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


NO_ANSWER = Answer(0, {}, b"")


@dataclass(frozen=True)
class Server:
    """A running gunicorn."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def workers(self) -> list[int]:
        """The process ids of its workers."""
        return [child.pid for child in psutil.Process(self.process.pid).children()]

    def request(self, method: str, path: str, body: Any = None, timeout: float = 30.0, **headers: str) -> Answer:
        """One exchange on a connection of its own; `body` goes out as JSON, header names have _ for -."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"Content-Type": "application/json", **named})
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.headers.items()), answer.read())
        except (OSError, http.client.HTTPException):
            return NO_ANSWER
        finally:
            connection.close()


@contextmanager
def serving(
    app: str,
    directory: Path,
    environment: Mapping[str, str],
    *,
    workers: int = 2,
    threads: int = 8,
    ready: str = "/health",
    cwd: Path = ROOT,
    host: str = "127.0.0.1",
    options: Sequence[str] = (),
) -> Iterator[Server]:
    """Serve ``app`` until the block ends; ``ready`` answers 200 when it yields. Its log is kept in ``directory``.

    ``options`` are more of gunicorn's. Raises RuntimeError with the end of the log when it does not start.
    """
    port = free_port()
    log = directory / f"gunicorn-{port}.log"
    command = [
        *(sys.executable, "-m", "gunicorn", app, f"--bind={host}:{port}", f"--workers={workers}"),
        *("--worker-class=gthread", f"--threads={threads}", "--graceful-timeout=5", "--log-level=error"),
        *("--no-control-socket", *options),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=cwd, env={**os.environ, **environment}, stdout=output, stderr=output, start_new_session=True
        )
    server = Server(port, process, log)
    try:
        _await(server, ready)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _await(server: Server, ready: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.request("GET", ready).status != 200:
        if server.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The server did not start:\n{server.log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.05)
