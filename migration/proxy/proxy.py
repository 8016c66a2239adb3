"""The proxy as a WSGI application."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wsgi import ClosingIterator

from migration.ledger import RoutingTable, State
from migration.proxy.breaker import BreakerState
from migration.proxy.client import ClientRequest
from migration.proxy.errors import ForwardingError, UpstreamMissingError
from migration.proxy.figures import ProxyFigures
from migration.proxy.forwarding import Forwarder
from migration.proxy.gunicorn_response import response_behind
from migration.proxy.prefix import prefixed_locations
from migration.proxy.refusals import refuse
from migration.proxy.settings import ProxySettings
from migration.proxy.websocket import forward_websocket

log = logging.getLogger(__name__)

_OWNER = "cutover.owner"
_ROUTE = "cutover.route"
_NATIVE = State.NATIVE.value
_LEGACY = State.LEGACY.value
StartResponse = Callable[..., Any]
WsgiApp = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class RoutingTableSource(Protocol):
    """What the proxy needs of the ledger: a :class:`~migration.ledger.LedgerReader`."""

    def table(self) -> RoutingTable: ...


@dataclass(frozen=True, slots=True)
class Served:
    """A request that was answered: by which side, for which rule (None: no rule of the ledger), in how many seconds."""

    owner: State
    method: str
    rule: str | None
    status: int
    seconds: float


class Proxy:
    """Serves each request by the side that owns its route.

    ``native`` is the new side, a WSGI application. ``upstream`` is the legacy side: an ``http(s)://`` URL, a WSGI
    application, or None if there is none any more. Requests that match no route of the ledger go to the side
    ``unmatched``, except those to the paths ``native_only``, which belong to whoever operates the new side.
    ``on_served`` is told of every answer when its body has ended; it must be quick.
    ``domain`` is what the figures are counted for.

    Whoever observes requests in front finds in the environ, once the answer begins, which side gives it
    (``cutover.owner``: legacy or native) and for which rule (``cutover.route``: None if for none).
    """

    def __init__(
        self,
        native: WsgiApp,
        upstream: str | WsgiApp | None,
        ledger: RoutingTableSource,
        *,
        settings: ProxySettings | None = None,
        native_only: Collection[str] = (),
        unmatched: State = State.LEGACY,
        on_served: Callable[[Served], None] | None = None,
        domain: str = "",
    ) -> None:
        self._settings = settings or ProxySettings()
        self._figures = ProxyFigures(domain)
        self._forwarder: Forwarder | None = None
        self._ledger = ledger
        self._native = self._local(native)
        self._legacy = self._legacy_side(upstream)
        self._native_only = frozenset(native_only)
        self._unmatched = unmatched
        self._on_served = on_served

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = _decoded_path(environ)
        match = self._ledger.table().match(environ["REQUEST_METHOD"], path)
        unknown = State.NATIVE if path in self._native_only else self._unmatched
        owner = match.state if match else unknown
        rule = match.rule if match else None
        environ[_ROUTE] = rule
        if owner is State.NATIVE:
            environ[_OWNER] = _NATIVE
            side = self._native
        else:
            environ[_OWNER] = _LEGACY
            side = self._legacy
        if self._on_served is None and not self._settings.expose_owner:
            return side(environ, start_response)
        return self._observe(side, owner, rule, environ, start_response)

    def connections(self) -> dict[tuple[str, ...], float]:
        """How many connections to the upstream this process has ``in_use`` and ``idle``; none where it is no URL."""
        return self._forwarder.pool.counts() if self._forwarder is not None else {}

    def breakers(self) -> list[BreakerState]:
        """Whether the upstream is in use or left alone; nothing where it is no URL."""
        return [self._forwarder.pool.breaker.state()] if self._forwarder is not None else []

    def _legacy_side(self, upstream: str | WsgiApp | None) -> WsgiApp:
        if upstream is None:
            return _no_upstream
        if isinstance(upstream, str):
            self._forwarder = Forwarder(upstream, self._settings, self._figures)
            return ForwardingApp(self._forwarder)
        return self._local(upstream)

    def _local(self, app: WsgiApp) -> WsgiApp:
        hops = self._settings.trusted_hops
        return ProxyFix(app, x_for=hops, x_proto=hops, x_host=hops, x_port=hops) if hops else app

    def _observe(
        self, side: WsgiApp, owner: State, rule: str | None, environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        started = time.perf_counter()
        observed = _ObservedResponse(start_response, owner if self._settings.expose_owner else None)
        body = side(environ, observed.start)

        def tell() -> None:
            if self._on_served is not None:
                seconds = time.perf_counter() - started
                self._on_served(Served(owner, environ["REQUEST_METHOD"], rule, observed.status, seconds))

        return ClosingIterator(body, tell)


class ForwardingApp:
    """A :class:`Forwarder` as a WSGI application: answers and refusals."""

    def __init__(self, forwarder: Forwarder) -> None:
        self._forwarder = forwarder

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        try:
            request = ClientRequest.from_wsgi(environ, start_response)
            if request.wants_websocket:
                answer = forward_websocket(self._forwarder, request)
                if answer is None:
                    raise StopIteration  # gunicorn's sign for a connection that the application has used up
            else:
                answer = self._forwarder.forward(request)
        except ForwardingError as error:
            self._forwarder.figures.failed(error.code)
            log.warning("%s %r was not forwarded: %s", environ["REQUEST_METHOD"], environ.get("PATH_INFO"), error)
            return refuse(error, environ, start_response)
        start_response(answer.status, prefixed_locations(answer.headers, environ))
        return answer


class _ObservedResponse:
    """Stands before ``start_response`` to see the status and to add the owner's header."""

    def __init__(self, start_response: StartResponse, shown_owner: State | None) -> None:
        self._start_response = start_response
        self._shown_owner = shown_owner
        self.status = 0
        #: For :func:`migration.proxy.gunicorn_response.response_behind`.
        self.behind = response_behind(start_response)

    def start(self, status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
        self.status = int(status.split(" ", 1)[0])
        if self._shown_owner is not None:
            headers = [*headers, ("X-Cutover-Owner", self._shown_owner.value)]
        return self._start_response(status, headers, *exc_info)


def _decoded_path(environ: dict[str, Any]) -> str:
    """The path as both sides' routing sees it, decoded like werkzeug does."""
    path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path if path.isascii() else path.encode("latin-1").decode(errors="replace")


def _no_upstream(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    error = UpstreamMissingError("No native route has this path and method, and there is no upstream behind it.")
    return refuse(error, environ, start_response)
