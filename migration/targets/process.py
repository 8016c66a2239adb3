"""A side that is an import path: its own process, on 127.0.0.1 and a port of its own, stopped when the run ends."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from migration.targets.loading import TargetError

_START_TIMEOUT = 60.0
_STOP_TIMEOUT = 5.0
_LONGEST_REPORT = 1 << 20
_LOG_TAIL = 2000


class TargetProcess:
    """One application served in a process of its own. ``start`` may be called again after ``stop``."""

    def __init__(self, target: str, environment: Mapping[str, str], directory: Path | None = None) -> None:
        self.target = target
        self.routes: list[tuple[list[str], str]] = []
        self._environment = {**environment, "PYTHONPATH": _python_path(environment)}
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline: int | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        self._listener = _listen(0)
        self._port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it and wait until it can answer. Raises :class:`TargetError` with the reason if it can't."""
        if self._listener.fileno() < 0:
            self._listener = _listen(self._port)
        reading, writing = os.pipe()
        lifeline, self._lifeline = os.pipe()
        fds = (self._listener.fileno(), writing, lifeline)
        command = [sys.executable, "-m", "migration.targets.serve", self.target, *map(str, fds)]
        try:
            self._process = subprocess.Popen(
                command,
                env=self._environment,
                cwd=self._directory,
                pass_fds=fds,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                start_new_session=True,
            )
        finally:
            os.close(writing)
            os.close(lifeline)
        try:
            report = _read_report(reading)
        finally:
            os.close(reading)
        if report is None or "error" in report:
            self.stop()
            raise TargetError(report["error"] if report else f"{self.target!r} did not start: {self._log_tail()}")
        self.routes = report["routes"]
        threading.Thread(target=self._watch, args=(self._process,), daemon=True).start()

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Close the door when the process ends unasked, so that callers are refused and don't wait in vain."""
        process.wait()
        if self._process is process:
            self._listener.close()

    def _log_tail(self) -> str:
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - _LOG_TAIL))
        lines = self._log.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "it ended without a word."

    def stop(self) -> None:
        """End the process and its workers at once; by force where that takes more than a few seconds.

        Nobody waits for an answer any more, so idle connections need no grace (SIGQUIT is gunicorn's quick shutdown).
        """
        process, self._process = self._process, None
        lifeline, self._lifeline = self._lifeline, None
        if lifeline is not None:
            os.close(lifeline)
        if process is None:
            return
        process.send_signal(signal.SIGQUIT)
        try:
            process.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def close(self) -> None:
        """Stop for good."""
        self.stop()
        self._listener.close()
        self._log.close()


def _listen(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port), backlog=256)


def _python_path(environment: Mapping[str, str]) -> str:
    """The child imports what this process could: the current directory first."""
    inherited = environment.get("PYTHONPATH", "")
    return os.pathsep.join(filter(None, [str(Path.cwd()), inherited]))


def _read_report(descriptor: int) -> dict[str, Any] | None:
    """The child's one line, or None when it ended (or took too long) without one."""
    received = b""
    while not received.endswith(b"\n") and len(received) < _LONGEST_REPORT:
        readable, _, _ = select.select([descriptor], [], [], _START_TIMEOUT)
        chunk = os.read(descriptor, 65536) if readable else b""
        if not chunk:
            return None
        received += chunk
    report: dict[str, Any] = json.loads(received)
    return report
