"""Routes for WebSockets: flask-sock, behind a door that looks who comes before the handshake."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, Flask, current_app, request
from flask_sock import Sock  # type: ignore[import-untyped]
from simple_websocket import ConnectionClosed, Server  # type: ignore[import-untyped]

from backend.core.caller_address import network_of
from backend.core.errors import RequestRefusedError
from backend.core.metrics import GAUGES
from backend.core.origins import Origins
from backend.core.sockets.connection import FAILURE, Connection
from backend.core.sockets.held_socket import HeldSocket
from backend.core.sockets.registry import Place, SocketRegistry
from backend.core.sockets.settings import SocketSettings

SOCKETS = "sockets"
#: Where servers show the client's socket.
SERVERS = ("werkzeug.socket", "gunicorn.socket")
PLACE = "backend.socket_place"
#: How long the thread that reads may take to see the end, in seconds.
FAREWELL = 5.0

View = Callable[..., Any]
Handler = Callable[..., None]


class Sockets:
    """The WebSockets of one application; `registry` knows those that are open."""

    def __init__(self, settings: SocketSettings, origins: Origins | None) -> None:
        self.registry = SocketRegistry(settings)
        self._settings = settings
        self._origins = origins
        self._sock = Sock()

    def route(
        self, target: Flask | Blueprint, path: str, *, user: Callable[[], str | None] | None = None
    ) -> Callable[[Handler], Handler]:
        """Serve WebSockets at `path` of `target`: `handler(connection, ...)` is called for each, and ends it.

        `user` is called before the handshake: it names whose WebSocket it is, for the limit, or raises
        RequestRefusedError. Whoever is refused gets an ordinary answer instead of a handshake.
        """

        def decorate(handler: Handler) -> Handler:
            self._sock.route(path, bp=_Door(self, target, user))(self._serving(handler))
            return handler

        return decorate

    def admitted(self, view: View, user: Callable[[], str | None] | None) -> View:
        """`view`, which shakes hands, for those who may come."""

        @wraps(view)
        def admitted(*arguments: Any, **path: Any) -> Any:
            key = next((key for key in SERVERS if key in request.environ), None)
            if key is None:
                raise RequestRefusedError(501, "This server can't hold WebSockets; run it under gunicorn with gthread")
            if not self._lets_page_in():
                raise RequestRefusedError(403, "Pages of this origin may not open WebSockets")
            name = user() if user is not None else None
            with self.registry.place(network_of(request.remote_addr or ""), name) as place:
                request.environ[PLACE] = place
                request.environ[key] = HeldSocket(request.environ[key], self._settings)
                return view(*arguments, **path)

        return admitted

    def _lets_page_in(self) -> bool:
        """Whether the page that asks, if it is one, comes from here or from an origin that is known."""
        origin = request.headers.get("Origin")
        if self._origins is None or origin is None or origin.partition("://")[2] == request.host:
            return True
        return self._origins.lets_in(origin)

    def _serving(self, handler: Handler) -> Handler:
        """What flask-sock calls: `handler` with a connection that has its limits, and always ends."""

        @wraps(handler)
        def serve(server: Server, *arguments: Any, **path: Any) -> None:
            place: Place = request.environ[PLACE]
            connection = Connection(server, server.sock, self._settings, place.user)
            self.registry.enter(place, connection)
            try:
                handler(connection, *arguments, **path)
            except ConnectionClosed:
                pass
            except Exception:
                current_app.logger.exception("a WebSocket failed")
                connection.close(FAILURE, "The server could not go on")
            finally:
                connection.close()
                connection.wait_closed(FAREWELL)

        return serve


class _Door:
    """Takes the place of a blueprint for flask-sock, and registers its view behind the check."""

    def __init__(self, sockets: Sockets, target: Flask | Blueprint, user: Callable[[], str | None] | None) -> None:
        self._sockets = sockets
        self._target = target
        self._user = user

    def route(self, path: str, **options: Any) -> Callable[[View], Any]:
        """What flask-sock asks a blueprint for."""
        return lambda view: self._target.route(path, **options)(self._sockets.admitted(view, self._user))


def install_sockets(app: Flask, *, origins: Origins | None = None) -> Sockets:
    """Give `app` WebSockets; `app.extensions["sockets"]` finds them again. Raises SettingsError.

    With `origins`, pages of others are refused: browsers let any page open a WebSocket anywhere.
    """
    settings = SocketSettings.read(app.extensions["settings"].read)
    app.config["SOCK_SERVER_OPTIONS"] = {
        "ping_interval": settings.ping_seconds,
        "max_message_size": settings.message_bytes,
        "receive_bytes": 16 * 1024,
    }
    sockets = app.extensions[SOCKETS] = Sockets(settings, origins)
    text = "WebSockets that are open, and were opened, refused and ended since the process began."
    app.extensions[GAUGES].add("backend_websockets", text, sockets.registry.by_event, ["event"])
    return sockets
