"""A stop that cuts nothing off: no new requests, what runs may end, and everything that was held is given back.

The server ends the process and has the last word about when: gunicorn after its `graceful_timeout`. What happens here
is that a process which was told to stop (SIGTERM) says so: `/readyz` fails, requests that still arrive on connections
that are open are refused after a moment (503), WebSockets are closed with code 1001, jobs end after the transaction
they are in and give back their leases, and the hooks of domains are called. What requests still need, such as a process
that makes their answers, is given back at the very end.
"""

import atexit
import logging
import os
import signal
import threading
import time
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any

from flask import Flask, request

from backend.core import operations
from backend.core.errors import RequestRefusedError
from backend.core.readiness import READINESS
from backend.core.settings import Settings, number_of_seconds

HOOKS, LAST_HOOKS = "stop_hooks", "end_hooks"
#: How long the end of the process waits for what gives things back, in seconds.
PATIENCE = 10.0
TEXT = "The server is stopping"

Hook = Callable[[], Any]

_log = logging.getLogger("backend.graceful")


class Stopping:
    """Whether this process was told to stop, and what it does then."""

    def __init__(self) -> None:
        self._apps: weakref.WeakSet[Flask] = weakref.WeakSet()
        self._process = 0
        self._ended = 0
        self._since = 0.0
        self._threads: list[threading.Thread] = []

    @property
    def is_under_way(self) -> bool:
        """Whether the process is about to end."""
        return self._process == os.getpid()

    @property
    def seconds(self) -> float:
        """How long ago it was told."""
        return time.monotonic() - self._since if self.is_under_way else 0.0

    def watch(self, app: Flask) -> None:
        """Stop `app` with the process."""
        self._apps.add(app)

    def listen(self) -> None:
        """Begin when the server of this process is told to stop, which it hears as before.

        Servers that know no graceful stop are left alone. Nothing happens outside of the main thread, or twice.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        server = signal.getsignal(signal.SIGTERM)
        if not callable(server) or isinstance(server, _Heard):
            return
        signal.signal(signal.SIGTERM, _Heard(self, server))
        atexit.register(self.end)

    def begin(self) -> None:
        """Say that the process stops, and give back what it holds, each thing in a thread of its own."""
        if self.is_under_way:
            return
        self._since = time.monotonic()
        self._process = os.getpid()
        starter = threading.Thread(target=self._give_back, name="stopping", daemon=True)
        self._threads = [starter]
        starter.start()

    def end(self) -> None:
        """Give back everything, now that requests are done or are waited for no more; but don't wait for ever.

        The server calls it, or the interpreter when it ends, where no thread can be started any more.
        """
        if self._ended == os.getpid():
            return
        self._ended = os.getpid()
        if self.is_under_way:
            deadline = time.monotonic() + PATIENCE
            for thread in self._threads:  # grows while the first of them runs
                thread.join(max(0.0, deadline - time.monotonic()))
        apps = list(self._apps)
        first = [] if self.is_under_way else [hook for app in apps for hook in _hooks_of(app)]
        for hook in (*first, *(hook for app in apps for hook in app.extensions[LAST_HOOKS])):
            _call(hook)

    def _give_back(self) -> None:
        for app in list(self._apps):
            app.extensions[READINESS].component("process").failed(f"{TEXT}.")
            for hook in _hooks_of(app):
                thread = threading.Thread(target=_call, args=(hook,), name="stop-hook", daemon=True)
                self._threads.append(thread)
                thread.start()


class _Heard:
    """A signal handler before the server's own."""

    def __init__(self, stopping: Stopping, server: Callable[[int, FrameType | None], Any]) -> None:
        self._stopping = stopping
        self._server = server

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self._stopping.begin()
        self._server(number, frame)


#: That of this process, which all its applications share.
stopping = Stopping()


def install_graceful(app: Flask) -> None:
    """Let `app` stop gracefully. Raises SettingsError.

    `STOP_LINGER_SECONDS` is how long requests on open connections are still served after the stop began: whoever was
    about to send one loses nothing, and gunicorn closes idle connections within 2 seconds.
    """
    settings: Settings = app.extensions["settings"]
    linger = settings.read("STOP_LINGER_SECONDS", number_of_seconds(0, 600), "2")
    app.extensions[HOOKS] = []
    app.extensions[LAST_HOOKS] = []

    def refuse() -> None:
        if not stopping.is_under_way or stopping.seconds < linger:
            return
        if request.routing_exception is None and request.path not in operations.PATHS:
            raise RequestRefusedError(503, TEXT, headers={"Retry-After": "1"})

    app.before_request(refuse)
    stopping.watch(app)
    stopping.listen()


def on_stop(app: Flask, hook: Hook) -> None:
    """Call `hook`, in a thread of its own, as soon as the process is told to stop. Requests are still running then."""
    app.extensions[HOOKS].append(hook)


def on_end(app: Flask, hook: Hook) -> None:
    """Call `hook` when the process ends and no request needs anything any more: to end processes of one's own.

    It should take no more than a few seconds. A process that is killed calls nothing.
    """
    app.extensions[LAST_HOOKS].append(hook)


def _hooks_of(app: Flask) -> list[Hook]:
    hooks: list[Hook] = list(app.extensions[HOOKS])
    if "sockets" in app.extensions:
        hooks.append(app.extensions["sockets"].registry.stop)
    if "job_scheduler" in app.extensions:
        hooks.append(app.extensions["job_scheduler"].stop)
    return hooks


def _call(hook: Hook) -> None:
    try:
        hook()
    except Exception:
        _log.exception("something was not given back at the stop")
