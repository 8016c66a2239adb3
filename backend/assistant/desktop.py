"""The assistant as the desktop's shell runs it: one process to start and to stop, with its data in the user's home.

It listens on 127.0.0.1:8756, says `Server started successfully` on stdout when it serves, and ends on SIGTERM and on
`POST /shutdown`. What the environment or the file of settings says counts; this only sets what they leave open.
"""

import argparse
import http.client
import os
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from sqlalchemy.engine import URL

from backend import create_app
from backend.assistant.services.llm.refusals import LlmRefusedError
from backend.assistant.settings import desktop_directory
from backend.core.config_file import config_file
from backend.core.migration_lock import MigrationBusyError
from backend.core.migrations import MigrationError
from backend.core.settings import Reader, Settings, SettingsError

HOST, PORT = "127.0.0.1", "8756"
STARTED = "Server started successfully"
#: The shell kills what has not ended five seconds after it was told to. The worker gives back what it holds before
#: that; whoever stays connected without a word keeps it from ending, and then the master ends it.
STOP_SECONDS, WORKER_STOP_SECONDS = 3, 1
THREADS = 16
START_SECONDS = 60.0
LEVELS = {
    "trace": "DEBUG",
    "debug": "DEBUG",
    "info": "INFO",
    "warning": "WARNING",
    "error": "ERROR",
    "critical": "ERROR",
}
#: gunicorn stops at this exit status of a worker, instead of starting the next one that can't start either.
CANNOT_START = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until the server is told to stop. 1 where it can't start, with a sentence on stderr."""
    options = _options(arguments)
    try:
        _complete(os.environ, options)
        Settings.from_environment("assistant")
        listener = _listen(options.host, options.port)
    except (SettingsError, OSError) as error:
        return _fail(str(error))
    address = listener.getsockname()[:2]
    _Server(listener.detach(), address, options).run()
    return 0


class _Server(BaseApplication):
    """gunicorn with one process of the assistant, on a socket that listens already, which becomes its own."""

    def __init__(self, listener: int, address: tuple[str, int], options: argparse.Namespace) -> None:
        self._listener = listener
        self._address = address
        self._given = options
        super().__init__()

    def load_config(self) -> None:
        """What gunicorn is to do; its own files and variables have no say."""
        chosen: dict[str, Any] = {
            "bind": f"fd://{self._listener}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "graceful_timeout": STOP_SECONDS,
            "timeout": 150,
            "reload": self._given.reload,
            "loglevel": "warning",
            "control_socket_disable": True,
            "proc_name": "westfall-assistant",
            "post_worker_init": lambda worker: _begin(worker, self._address, self._given),
            "worker_exit": lambda _server, _worker: _give_back(),
        }
        for name, value in chosen.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application of a worker."""
        try:
            return create_app("assistant")
        except (ValueError, OSError, MigrationError, MigrationBusyError) as error:
            _fail(str(error))
            sys.exit(CANNOT_START)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="backend/server.py", description="Serve the assistant to its desktop shell.")
    parser.add_argument("--host", default=os.environ.get("HOST") or HOST, help=f"where to listen (HOST; {HOST})")
    parser.add_argument("--port", default=os.environ.get("PORT") or PORT, help=f"which port (PORT; {PORT})")
    parser.add_argument("--model", help="a GGUF file to load when the server has started")
    parser.add_argument("--gpu-layers", type=int, help="how many of the model's layers go to the GPU; -1: all")
    parser.add_argument("--log-level", help=f"one of {', '.join(LEVELS)}")
    parser.add_argument("--reload", action="store_true", help="start again when the code changes")
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        sys.stderr.write(f"Not known, and ignored: {' '.join(unknown)}\n")
    return options


def _complete(environment: Any, options: argparse.Namespace) -> None:
    """Set what the settings leave open. Raises SettingsError, and OSError where no directory can be made."""
    read = Reader("assistant", dict(environment), config_file(environment))
    directory = Path(read("DATA_DIR", str, "") or desktop_directory()).expanduser().absolute()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = URL.create("sqlite", database=str(directory / "assistant.sqlite3"))
    chosen = {
        "DATA_DIR": str(directory),
        "DATABASE_URL": database.render_as_string(hide_password=False),
        "ALLOW_SHUTDOWN": "on",
    }
    for name, value in chosen.items():
        if not read(name, str, ""):
            environment[f"ASSISTANT_{name}"] = value
    if options.log_level:
        environment["ASSISTANT_LOG_LEVEL"] = LEVELS.get(options.log_level.lower(), "INFO")
    if options.model:
        # Whoever starts the server may load what they like; callers only what lies where models may.
        options.model = str(Path(options.model).expanduser().resolve())
        known = read("LLM_MODEL_DIRS", str, "")
        environment["ASSISTANT_LLM_MODEL_DIRS"] = ",".join(filter(None, (known, str(Path(options.model).parent))))


def _listen(host: str, port: str) -> socket.socket:
    """A socket that listens; raises OSError with a sentence."""
    if not (port.isascii() and port.isdecimal() and int(port) < 2**16):
        raise OSError(f"{port!r} is no port: choose a number from 1 to 65535.")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        # The system's own words say the address twice.
        why = str(error) if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise OSError(f"Port {port} of {host} can't be listened on ({why}): choose another one.") from None


def _begin(worker: Any, address: tuple[str, int], options: argparse.Namespace) -> None:
    """Called when a worker is about to serve; the first one says so, and loads the model."""
    worker.cfg.set("graceful_timeout", WORKER_STOP_SECONDS)  # a copy: the master keeps its own
    if worker.age == 1:
        work = partial(_announce, worker.wsgi, address, options)
        threading.Thread(target=work, name="announcing", daemon=True).start()


def _announce(app: Flask, address: tuple[str, int], options: argparse.Namespace) -> None:
    if not _serves(*address):
        _fail(f"nothing was served within {START_SECONDS:g} seconds.")
        return
    print(STARTED, flush=True)
    if options.model:
        try:
            app.extensions["llm"].load(options.model, options.gpu_layers, None)
        except LlmRefusedError as refusal:
            sys.stderr.write(f"The model was not loaded: {refusal.detail}\n")
            sys.stderr.flush()


def _serves(host: str, port: int) -> bool:
    """Whether the server answers, before long."""
    anywhere: Mapping[str, str] = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (what is compared with)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with closing(http.client.HTTPConnection(anywhere.get(host, host), port, timeout=5)) as connection:
            try:
                connection.request("GET", "/healthz")
                if connection.getresponse().status == 200:
                    return True
            except (OSError, http.client.HTTPException):
                pass
        time.sleep(0.05)
    return False


def _give_back() -> None:
    """Called by a worker at its end; the application is only here where there was one."""
    from backend.core.graceful import stopping

    stopping.end()


def _fail(text: str) -> int:
    sys.stderr.write(f"The assistant can't start: {text}\n")
    sys.stderr.flush()
    return 1
