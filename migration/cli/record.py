"""``cutover record``: a recording reverse proxy."""

from __future__ import annotations

import signal
import socket
from pathlib import Path
from typing import Any

import click
from gunicorn.app.base import BaseApplication

from migration.cli.refusal import Refusal
from migration.proxy.connection import Upstream
from migration.proxy.settings import SettingsError
from migration.recording.errors import RecordingError
from migration.recording.recorder import Recorder
from migration.recording.redaction import Redactor
from migration.recording.writer import HarWriter

_MEGABYTE = 1024 * 1024
_BACKLOG = 512
#: How long exchanges that are going on may take after a signal to stop, in seconds.
_GRACE = 10


@click.command("record")
@click.option("--upstream", required=True, metavar="URL", help="The running side whose traffic is recorded.")
@click.option("--listen", required=True, type=click.IntRange(0, 65535), metavar="PORT", help="Where callers connect.")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The HAR file to make.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--threads", default=16, show_default=True, type=click.IntRange(1, 512), help="Exchanges at once.")
@click.option(
    "--body-limit",
    default=_MEGABYTE,
    show_default=True,
    type=click.IntRange(min=0),
    metavar="BYTES",
    help="How much of a body is kept.",
)
@click.option(
    "--redact/--no-redact",
    default=True,
    show_default=True,
    help="Replace secrets by pseudonyms, the same value by the same one: Authorization, cookies, and fields called "
    "password, secret, token, API key or the like.",
)
def record(upstream: str, listen: int, out: Path, host: str, threads: int, body_limit: int, redact: bool) -> None:
    """Stand between callers and a running system, and record their exchanges as HAR.

    Point the callers at the port, and press Ctrl-C when there is enough. The file can be read at any time, even after
    the recorder was killed.

    \b
    Example:
      cutover record --upstream http://127.0.0.1:5000 --listen 5001 --out traffic.har
    """
    try:
        Upstream.parse(upstream)
        listener = _listen(host, listen)
        writer = HarWriter(out)
    except (SettingsError, RecordingError) as error:
        raise Refusal(str(error)) from error
    # Made here, before the worker: one that had to be started anew goes on with the same pseudonyms.
    redactor = Redactor() if redact else None
    recorder = Recorder(upstream, writer, redactor=redactor, body_limit=body_limit)
    port = listener.getsockname()[1]
    click.echo(f"Recording http://{host}:{port} -> {upstream} into {out}. Press Ctrl-C to stop.")
    _Server(recorder, listener, threads, writer).run()


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=_BACKLOG)
    except OSError as error:
        raise Refusal(f"Nothing can listen on {host}:{port}: {error.strerror}. Choose another port.") from error


class _Server(BaseApplication):
    """gunicorn with one worker in a process of its own, which stops gracefully at SIGINT too."""

    def __init__(self, recorder: Recorder, listener: socket.socket, threads: int, writer: HarWriter) -> None:
        self._recorder = recorder
        self._settings = {
            "bind": f"fd://{listener.detach()}",  # gunicorn closes it
            "worker_class": "gthread",
            "workers": 1,
            "threads": threads,
            "graceful_timeout": _GRACE,
            "keepalive": 30,
            "loglevel": "warning",
            "control_socket_disable": True,
            "when_ready": _stop_gracefully_at_interrupt,
            "post_worker_init": _ignore_interrupt,
            "on_exit": lambda _server: click.echo(f"{writer.count()} exchanges are in {writer.path}."),
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Recorder:
        return self._recorder


def _stop_gracefully_at_interrupt(server: Any) -> None:
    signal.signal(signal.SIGINT, lambda _signal, _frame: server.signal(signal.SIGTERM, None))


def _ignore_interrupt(_worker: Any) -> None:
    """Ctrl-C reaches the worker too; it has to wait for the server's word."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
