"""Every request once: its id, its line in the log, its part in the figures."""

import functools
import json
import logging
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from flask import Flask

from backend.core.gauges import Gauges
from backend.core.json_lines import ENCODER, path_of
from backend.core.logs import RequestLog, install_logs
from backend.core.metrics import GAUGES
from backend.core.request_context import REQUEST_ID, CurrentRequest, current_request, owner_of, route_of
from backend.core.request_figures import RequestFigures

HEADER = "X-Request-ID"
WELL_FORMED_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
OBSERVER = "observer"

_log = logging.getLogger("backend.requests")

WsgiApp = Callable[..., Iterable[bytes]]


class Observer:
    """What it takes to observe the requests of one domain."""

    def __init__(self, domain: str, lines: RequestLog, gauges: Gauges) -> None:
        self.domain = domain
        self.lines = lines
        self.gauges = gauges
        self.figures = RequestFigures(domain)

    def around(self, app: WsgiApp) -> "ObservedRequests":
        """`app`, with its requests observed."""
        return ObservedRequests(app, self)


def install_observing(app: Flask, domain: str) -> None:
    """Make what observes the requests of `app`, found again as `app.extensions["observer"]`; see observe."""
    app.extensions[OBSERVER] = Observer(domain, install_logs(app, domain), app.extensions[GAUGES])


def observe(app: Flask) -> None:
    """Give every request to `app` an id (`X-Request-ID`, taken over when well formed), log and count it.

    To be called last, as what is wrapped around `app` later answers unobserved. A proxy in front is wrapped with
    `app.extensions["observer"].around`; what comes through it is not observed again.
    """
    app.wsgi_app = app.extensions[OBSERVER].around(app.wsgi_app)  # type: ignore[method-assign]


class ObservedRequests:
    """WSGI middleware. Paths are logged, queries, headers and bodies are not: they may hold secrets."""

    def __init__(self, app: WsgiApp, observer: Observer) -> None:
        self.app = app
        self._observer = observer

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if REQUEST_ID in environ:
            request = current_request.get()
            if request is not None:
                # Whatever is in between may have made another one of it, and only this one will know the route.
                request.environ = environ
            return self.app(environ, start_response)
        offered = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = offered if WELL_FORMED_ID.fullmatch(offered) else str(uuid.uuid4())
        environ[REQUEST_ID] = environ["HTTP_X_REQUEST_ID"] = request_id
        request = CurrentRequest(request_id, self._observer.domain, environ)
        observed = _Observed(self._observer, request, start_response)
        self._observer.gauges.start()
        current_request.set(request)
        try:
            body = self.app(environ, observed.start)
        except StopIteration:
            # How gunicorn is told that the application has used up the connection, as for a WebSocket.
            observed.tell(HTTPStatus.SWITCHING_PROTOCOLS)
            raise
        except Exception as error:
            if observed.status or _is_about_the_connection(error):
                observed.tell(HTTPStatus.BAD_REQUEST)
                raise
            _log.exception("a request failed outside of its application")
            return _failure(observed.start)
        finally:
            current_request.set(None)
        return body if type(body) is list or _is_file(body, environ) else _Body(body, request)


class _Observed:
    """Stands before `start_response`."""

    __slots__ = ("_began", "_observer", "_request", "_start_response", "behind", "status")

    def __init__(self, observer: Observer, request: CurrentRequest, start_response: Callable[..., Any]) -> None:
        self._began = time.perf_counter()
        self._observer = observer
        self._request = request
        self._start_response = start_response
        self.status = 0
        # Whose method `start_response` is: the proxy makes use of gunicorn's object.
        self.behind = getattr(start_response, "__self__", None)

    def start(self, status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
        """What the application calls. Its own id stays: callers of a monolith may rely on it."""
        if not self.status:
            self.tell(int(status[:3]))
        for name, _ in headers:
            if len(name) == len(HEADER) and name.lower() == "x-request-id":
                return self._start_response(status, headers, *exc_info)
        return self._start_response(status, [*headers, (HEADER, self._request.request_id)], *exc_info)

    def tell(self, status: int) -> None:
        """Log and count the request, unless that is done."""
        if self.status:
            return
        self.status = status
        seconds = time.perf_counter() - self._began
        environ = self._request.environ
        method, route, owner = environ["REQUEST_METHOD"], route_of(environ), owner_of(environ)
        self._observer.figures.count(method, route, owner, status, seconds)
        lines = self._observer.lines
        if lines.logger.isEnabledFor(logging.INFO):
            always = _always(self._request.domain, method, route, owner)
            lines.write(_line(self._request, always, path_of(environ, route), status, seconds))


class _Body:
    """An answer's body; while a piece of it is made, the thread works for its request.

    No generator: one that is left half read is closed by the garbage collector, whenever that comes by, and would
    set the thread's request then. CPython 3.11 crashes where that happens while another context variable is being set.
    """

    __slots__ = ("_body", "_pieces", "_request")

    def __init__(self, body: Iterable[bytes], request: CurrentRequest) -> None:
        self._body = body
        self._request = request
        self._pieces = iter(body)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        current_request.set(self._request)
        try:
            return next(self._pieces)
        finally:
            current_request.set(None)

    def close(self) -> None:
        """Called by the server when it has sent the body, or won't."""
        close = getattr(self._body, "close", None)
        if close is None:
            return
        current_request.set(self._request)
        try:
            close()
        finally:
            current_request.set(None)


def _line(request: CurrentRequest, always: str, path: str, status: int, seconds: float) -> str:
    """The keys of `about`, and what came of the request. Only what differs between requests is put together anew."""
    return (
        f'{{"timestamp": "{datetime.now(UTC).isoformat()}", {always}, "request_id": "{request.request_id}", '
        f'"path": {ENCODER.encode(path)}, "status": {status:d}, "duration_ms": {seconds * 1000:.3f}}}'
    )


@functools.lru_cache(maxsize=1024)
def _always(domain: str, method: str, route: str | None, owner: str) -> str:
    """The part of a line that all requests of a route share."""
    told = {"level": "INFO", "logger": _log.name, "message": "request", "domain": domain}
    return ENCODER.encode({**told, "method": method, "route": route, "owner": owner})[1:-1]


def _is_about_the_connection(error: Exception) -> bool:
    """Whether the server wants to see `error` itself: a broken connection, or a request that is not well-formed."""
    return isinstance(error, ConnectionError | TimeoutError) or type(error).__module__.partition(".")[0] == "gunicorn"


def _is_file(body: Iterable[bytes], environ: dict[str, Any]) -> bool:
    """Whether the server can send the body without reading it."""
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(body, wrapper)


def _failure(start: Callable[..., Any]) -> list[bytes]:
    body = json.dumps({"error": "The server could not carry out the request"}).encode() + b"\n"
    start(
        "500 INTERNAL SERVER ERROR",
        [("Content-Type", "application/json"), ("Content-Length", str(len(body)))],
    )
    return [body]
