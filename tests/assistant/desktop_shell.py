"""The desktop's shell, as far as the server sees it: it starts the server, asks it things, and ends it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.cli import ROOT
from tests.support.net import free_port

SERVER = ROOT / "backend" / "server.py"
#: How long the shell waits for the line on stdout, and for the end after SIGTERM, in seconds.
START_SECONDS, STOP_SECONDS = 45.0, 5.0
STARTED = "Server started successfully"


@dataclass
class Desktop:
    """A server that the shell has started."""

    process: subprocess.Popen[str]
    port: int
    errors: Path

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of an answer; the shell's calls carry no Origin."""
        data = None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def end(self) -> int:
        """SIGTERM, and the exit status if that comes in time; raises TimeoutExpired where the shell would kill."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)


@contextmanager
def desktop(
    home: Path, *flags: str, server: Path = SERVER, port: int | None = None, **environment: str
) -> Iterator[Desktop]:
    """A server that has said that it started; its user lives in `home`, which is also where it is started from."""
    home.mkdir(exist_ok=True)
    chosen = free_port() if port is None else port
    errors = home / f"errors-{chosen}.txt"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ASSISTANT_", "LLM_"))}
    for name in ("DATA_DIR", "DATABASE_URL", "DISPLAY", "WAYLAND_DISPLAY", "PYTHONPATH", "CUTOVER_CONFIG"):
        kept.pop(name, None)
    given = {**kept, "HOME": str(home), "PORT": str(chosen), "HOST": "127.0.0.1", **environment}
    with errors.open("a") as written:
        process = subprocess.Popen(
            [sys.executable, str(server), *flags],
            cwd=home,
            env=given,
            stdout=subprocess.PIPE,
            stderr=written,
            text=True,
            start_new_session=True,
        )
    assert process.stdout is not None
    killer = threading.Timer(START_SECONDS, process.kill)
    killer.start()
    try:
        for line in process.stdout:
            if STARTED in line:
                break
        else:
            raise AssertionError(f"The server did not start: {errors.read_text()[-3000:]}")
        killer.cancel()
        yield Desktop(process, chosen, errors)
    finally:
        killer.cancel()
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
