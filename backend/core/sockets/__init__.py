"""WebSockets: who may hold one, for how long, how much may be sent, and how they end when the process does."""

from backend.core.sockets.connection import Connection, ConnectionClosed
from backend.core.sockets.registry import SocketRegistry
from backend.core.sockets.routes import SOCKETS, Sockets, install_sockets
from backend.core.sockets.settings import SocketSettings

__all__ = [
    "SOCKETS",
    "Connection",
    "ConnectionClosed",
    "SocketRegistry",
    "SocketSettings",
    "Sockets",
    "install_sockets",
]
