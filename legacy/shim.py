"""One way to reach any monolith: over HTTP, or as a WSGI application named by its import path.

A target is written as

- ``http://host:port`` or ``https://host/prefix``: a monolith that runs already;
- ``package.module:application``: a WSGI application;
- ``package.module:factory()`` or ``package.module:factory('text', key=1)``: a call, with literal arguments, that
  returns one; ``create_app`` and ``make_app`` are called also when the brackets are left out.

``connect`` says which of the two it is, ``load`` imports the application into this process, ``serve`` runs it in a
process of its own, and ``python -m legacy.shim TARGET --bind 127.0.0.1:5000`` serves it until it is stopped.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NoReturn
from urllib.parse import urlsplit
from wsgiref.types import WSGIApplication

from gunicorn.errors import AppImportError

__all__ = ["TargetError", "connect", "load", "main", "serve"]

_CALLED_ANYWAY = ("create_app", "make_app")
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_HOST = "127.0.0.1"
_BACKLOG = 128
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.05
_ANSWER_SECONDS = 1.0
_LOG_LINES = 25


class TargetError(ValueError):
    """A target that cannot be reached; the text says in one sentence why."""


@dataclass(frozen=True)
class _ImportPath:
    module: str
    name: str
    called: bool = False
    positional: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)


def connect(target: str) -> str | WSGIApplication:
    """The URL of a target that is one, normalised, or else the application that it names, loaded.

    Raises TargetError.
    """
    return _url(target) if _is_url(target) else load(target)


def load(target: str) -> WSGIApplication:
    """The WSGI application of an import path, in this process; the working directory counts as importable.

    Raises TargetError.
    """
    path = _parse(target)
    found = _attribute(_module(path.module), path)
    if path.called or path.name in _CALLED_ANYWAY:
        found = _call(found, path)
    if not callable(found):
        raise TargetError(f"{target} is not a WSGI application: a {type(found).__name__} cannot be called.")
    if not _takes_requests(found):
        raise TargetError(
            f"{target} is not a WSGI application: it can't be called with an environment and start_response. "
            "Write the application, or package.module:factory() for what makes it."
        )
    application: WSGIApplication = found
    return application


@contextmanager
def serve(
    target: str,
    *,
    env: Mapping[str, str] | None = None,
    workers: int = 1,
    threads: int = 8,
    startup_timeout: float = 30.0,
) -> Iterator[str]:
    """Run the application of an import path under gunicorn for the time of the block, and yield its base URL.

    It gets a process of its own with this process's environment and ``env`` on top, and a free port on 127.0.0.1
    that is bound before it starts, so that nothing else can take it. Raises TargetError, with the end of its log,
    when it does not answer within ``startup_timeout`` seconds.
    """
    _parse(target)
    with socket.create_server((_HOST, 0), backlog=_BACKLOG) as listener, tempfile.TemporaryFile() as log:
        port: int = listener.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, *_gunicorn(target, f"fd://{listener.fileno()}", workers, threads)],
            env={**_environment(), **(env or {})},
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        # From here on only gunicorn holds the socket: when it dies, connections are refused instead of queued.
        listener.close()
        patience = 0.0
        try:
            _wait_for_answer(target, process, port, time.monotonic() + startup_timeout, log)
            patience = _STOP_SECONDS + 2
            yield f"http://{_HOST}:{port}"
        finally:
            _stop(process, patience)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Serve a target until it is stopped; gunicorn takes the place of this process."""
    parser = argparse.ArgumentParser(
        prog="python -m legacy.shim", description="Serve a monolith, named by its import path, under gunicorn."
    )
    parser.add_argument("target", help="package.module:application, or package.module:factory('argument', key=1)")
    parser.add_argument("--bind", default="127.0.0.1:5000", help="host:port to listen on (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="worker processes (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=8, help="threads in each worker (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        _parse(options.target)
    except TargetError as error:
        parser.exit(2, f"error: {error}\n")
    command = _gunicorn(options.target, options.bind, options.workers, options.threads)
    os.execve(sys.executable, [sys.executable, *command], _environment())  # noqa: S606 - a list, not a shell


def load_for_gunicorn(target: str) -> WSGIApplication:
    """``load`` inside a gunicorn worker, which reports its own error in one line and without a traceback."""
    try:
        return load(target)
    except TargetError as error:
        raise AppImportError(str(error)) from error


def _is_url(target: str) -> bool:
    return "://" in target


def _url(target: str) -> str:
    parts = urlsplit(target)
    if parts.scheme not in ("http", "https"):
        raise TargetError(f"{parts.scheme}:// is no way to reach a monolith: use http:// or https://.")
    if parts.username is not None or parts.password is not None:
        raise TargetError(f"The URL of {parts.hostname} must not hold a user name or a password.")
    if not parts.hostname or parts.query or parts.fragment:
        raise TargetError(f"{target} is not the base URL of a monolith: write http://host:port or http://host/prefix.")
    try:
        port = parts.port
    except ValueError:
        raise TargetError(f"{target} has no valid port.") from None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port is not None else ''}{parts.path.rstrip('/')}"


def _parse(target: str) -> _ImportPath:
    if _is_url(target):
        raise TargetError("A monolith that is reached by URL runs already: it can be neither loaded nor served.")
    module, colon, expression = target.partition(":")
    malformed = TargetError(
        f"{target!r} is no import path: write package.module:application or package.module:factory()."
    )
    if not colon or not _MODULE.fullmatch(module):
        raise malformed
    try:
        parsed = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        raise malformed from None
    match parsed:
        case ast.Name(name):
            return _ImportPath(module, name)
        case ast.Call(ast.Name(name), positional, named):
            try:
                return _ImportPath(module, name, True, *_literals(positional, named))
            except ValueError:
                raise TargetError(f"The arguments in {target!r} must be literals, like 'text', 1 or None.") from None
        case _:
            raise malformed


def _literals(positional: list[ast.expr], named: list[ast.keyword]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The values of a call's arguments; ValueError for one that is no literal, or is unpacked."""
    if any(keyword.arg is None for keyword in named):
        raise ValueError("unpacked arguments")
    values = tuple(ast.literal_eval(value) for value in positional)
    return values, {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in named}


def _module(name: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise TargetError(f"There is no module {error.name} to import.") from error
        raise TargetError(f"Importing {name} failed: {error}.") from error
    except Exception as error:
        raise TargetError(f"Importing {name} failed with {type(error).__name__}: {error}.") from error


def _attribute(module: Any, path: _ImportPath) -> Any:
    try:
        return getattr(module, path.name)
    except AttributeError:
        raise TargetError(f"The module {path.module} has no {path.name}.") from None


def _call(factory: Any, path: _ImportPath) -> Any:
    if not callable(factory):
        raise TargetError(f"{path.module}:{path.name} is a {type(factory).__name__} and cannot be called.")
    try:
        return factory(*path.positional, **path.named)
    except Exception as error:
        raise TargetError(f"{path.module}:{path.name} failed with {type(error).__name__}: {error}.") from error


def _takes_requests(found: Any) -> bool:
    """Whether it can be called as requests are passed on; what does not show its parameters may."""
    try:
        signature = inspect.signature(found)
    except ValueError:
        return True
    try:
        signature.bind({}, bool)
    except TypeError:
        return False
    return True


def _gunicorn(target: str, bind: str, workers: int, threads: int) -> list[str]:
    """Arguments for Python. The worker loads the target through this module, to read it as ``load`` does."""
    return [
        *("-m", "gunicorn", f"legacy.shim:load_for_gunicorn({target!r})", "--bind", bind, "--worker-class", "gthread"),
        *("--workers", str(workers), "--threads", str(threads), "--graceful-timeout", str(int(_STOP_SECONDS))),
        "--no-control-socket",
    ]


def _environment() -> dict[str, str]:
    """This process's environment, with this package importable wherever the working directory is."""
    root = str(Path(__file__).resolve().parent.parent)
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*paths, *([] if root in paths else [root])])}


def _wait_for_answer(target: str, process: subprocess.Popen[bytes], port: int, deadline: float, log: IO[bytes]) -> None:
    while not _answers(port):
        if process.poll() is not None:
            raise TargetError(f"{target} did not start:\n{_end_of(log)}")
        if time.monotonic() > deadline:
            raise TargetError(f"{target} did not answer in time:\n{_end_of(log)}")
        time.sleep(_POLL_SECONDS)


def _answers(port: int) -> bool:
    """Whether a worker is there. It refuses the broken request itself: the application sees none it could record."""
    try:
        with socket.create_connection((_HOST, port), timeout=_ANSWER_SECONDS) as connection:
            connection.sendall(b"cutover?\r\n\r\n")
            return connection.recv(1) != b""
    except OSError:
        return False


def _end_of(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode("utf-8", "replace").rstrip().splitlines()
    return "\n".join(lines[-_LOG_LINES:])


def _stop(process: subprocess.Popen[bytes], patience: float) -> None:
    """Let requests finish for ``patience`` seconds, then kill what is left of the process and its workers."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


if __name__ == "__main__":
    main()
