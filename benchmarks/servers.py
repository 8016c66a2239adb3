"""Servers for benchmarks: gunicorn as the documentation runs it, on a processor of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.caller import Caller, get
from benchmarks.processors import REST, SERVER, confined_to

ROOT = Path(__file__).resolve().parent.parent
_OPTIONS = ("--worker-class=gthread", "--keep-alive=60", "--no-control-socket")
_STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    process: psutil.Process

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu_seconds(self) -> float:
        """Processor time that the workers have used, user and system."""
        return sum(sum(worker.cpu_times()[:2]) for worker in self.process.children(recursive=True))


@contextmanager
def gunicorn(
    app: str,
    environment: Mapping[str, str] | None = None,
    *,
    ready: str = "/",
    processors: set[int] = SERVER,
    workers: int = 1,
    threads: int = 8,
) -> Iterator[Server]:
    """Serve ``app`` (an import path); yield it once ``ready`` has been answered.

    What it logs goes to a file, as it would in production, and is forgotten.
    """
    command = [sys.executable, "-m", "gunicorn", *_OPTIONS, "--log-level=warning", "--graceful-timeout=1"]
    command += [f"--workers={workers}", f"--threads={threads}", "--timeout=300"]
    with (
        confined_to(processors),
        tempfile.TemporaryFile() as log,
        socket.create_server(("127.0.0.1", 0), backlog=128) as listener,
    ):
        port = listener.getsockname()[1]
        process = psutil.Popen(
            [*command, f"--bind=fd://{listener.fileno()}", app],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            pass_fds=(listener.fileno(),),
            stdout=log,
            stderr=log,
        )
    try:
        with Caller(port) as caller:
            caller.call(get(ready))
        yield Server(port, process)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def idle_upstream() -> Iterator[str]:
    """The URL of an upstream that costs next to nothing, beside the measured server."""
    with confined_to(REST), socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.upstream", str(listener.fileno())],
            cwd=ROOT,
            pass_fds=(listener.fileno(),),
        )
    try:
        yield url
    finally:
        process.kill()
        process.wait()
