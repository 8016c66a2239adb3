"""Run by :mod:`migration.targets.process`: serves one import path under gunicorn on a socket that is already bound.

Usage: ``python -m migration.targets.serve TARGET LISTENER_FD REPORT_FD LIFELINE_FD``. One JSON line goes to the report
descriptor once the application is loaded (``{"routes": [[methods, rule], ...]}``) or can't be (``{"error": text}``).
The lifeline is a pipe that its starter holds open: when that ends, however it ends, the server ends.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gunicorn.app.base import BaseApplication
from werkzeug.routing import Map

from migration.targets.loading import TargetError, load_wsgi

_THREADS = 16
#: So many new objects are allowed before the collector looks for cycles while an application is loaded.
_LOADING_THRESHOLD = 1_000_000


class _TargetServer(BaseApplication):
    def __init__(self, target: str, listener: int, report: int) -> None:
        self._target, self._listener, self._report = target, listener, report
        super().__init__()

    def load_config(self) -> None:
        settings = {
            "bind": f"fd://{self._listener}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": _THREADS,
            "timeout": 120,
            "graceful_timeout": 2,
            "keepalive": 75,
            "loglevel": "warning",
            "control_socket_disable": True,
        }
        for name, value in settings.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        try:
            with _settled_afterwards():
                app = load_wsgi(self._target)
        except TargetError as error:
            self._tell({"error": str(error)})
            sys.exit(1)
        self._tell({"routes": routes_of(app)})
        return app

    def _tell(self, report: dict[str, Any]) -> None:
        os.write(self._report, json.dumps(report).encode() + b"\n")


@contextmanager
def _settled_afterwards() -> Iterator[None]:
    """Spare what is loaded in this block the collector: nearly all of it lives as long as this process.

    Looking for cycles again and again takes a fifth of the time of loading, and taking everything apart at the end
    takes half as long as loading. Cycles that nobody holds are collected once; thresholds that the application sets
    stay as it sets them.
    """
    usual = gc.get_threshold()
    gc.set_threshold(_LOADING_THRESHOLD, *usual[1:])
    loading = gc.get_threshold()
    try:
        yield
    finally:
        if gc.get_threshold() == loading:
            gc.set_threshold(*usual)
    gc.collect()
    gc.freeze()


def routes_of(app: object) -> list[tuple[list[str], str]]:
    """Methods and rule of every route of an application that has a werkzeug ``url_map``, also behind a middleware."""
    url_map = getattr(app, "url_map", None)
    if isinstance(url_map, Map):
        return [(sorted(rule.methods or ()), rule.rule) for rule in url_map.iter_rules()]
    inner = getattr(app, "wsgi_app", None) or getattr(app, "app", None)
    return routes_of(inner) if inner is not None else []


def _end_with(lifeline: int) -> None:
    """Wait until nobody holds the other end of ``lifeline``, then end this server."""
    while os.read(lifeline, 1):
        pass
    os.kill(os.getpid(), signal.SIGQUIT)


if __name__ == "__main__":
    listener, report, lifeline = map(int, sys.argv[2:5])
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    _TargetServer(sys.argv[1], listener, report).run()
