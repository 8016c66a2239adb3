"""The WebSockets that a process holds now, and how many more it takes."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from backend.core.errors import RequestRefusedError
from backend.core.sockets.connection import GOING_AWAY, Connection
from backend.core.sockets.settings import SocketSettings

#: When it is worth another try, in seconds.
LATER = {"Retry-After": "5"}


class Place:
    """Room for one WebSocket of an address and a user (None: nobody is known); the connection comes later."""

    def __init__(self, address: str, user: str | None) -> None:
        self.address = address
        self.user = user
        self.connection: Connection | None = None


class SocketRegistry:
    """Counts what is open, and what was opened and refused since the process began."""

    def __init__(self, settings: SocketSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._places: set[Place] = set()
        self._stopping = False
        self._opened = 0
        self._refused: Counter[str] = Counter()
        self._ended: Counter[str] = Counter()

    @contextmanager
    def place(self, address: str, user: str | None) -> Iterator[Place]:
        """Room for a WebSocket, as long as the block lasts.

        Raises RequestRefusedError: 429 when this caller holds too many, 503 when there are too many or no more.
        """
        place = Place(address, user)
        with self._lock:
            reason = self._objection(place)
            if reason is not None:
                self._refused[reason] += 1
                raise _refusal(reason)
            self._opened += 1
            self._places.add(place)
        try:
            yield place
        finally:
            with self._lock:
                self._places.discard(place)
                self._ended[place.connection.end if place.connection is not None else "handshake"] += 1

    def enter(self, place: Place, connection: Connection) -> None:
        """Put the connection in its place; one that comes too late is closed at once."""
        with self._lock:
            place.connection = connection
            stopping = self._stopping
        if stopping:
            connection.close(GOING_AWAY, "The server is stopping")

    def stop(self) -> None:
        """Close all, with code 1001, and take no more."""
        with self._lock:
            self._stopping = True
            connections = [place.connection for place in self._places if place.connection is not None]
        for connection in connections:
            connection.close(GOING_AWAY, "The server is stopping")

    def counts(self) -> dict[str, int]:
        """How many are `open` now, and were `opened`, `refused: <why>` and `ended: <how>` so far."""
        with self._lock:
            return {
                "open": len(self._places),
                "opened": self._opened,
                **{f"refused: {reason}": number for reason, number in sorted(self._refused.items())},
                **{f"ended: {how}": number for how, number in sorted(self._ended.items())},
            }

    def by_event(self) -> dict[tuple[str, ...], float]:
        """The counts as a gauge with one label."""
        return {(event,): float(number) for event, number in self.counts().items()}

    def _objection(self, place: Place) -> str | None:
        if self._stopping:
            return "stopping"
        if len(self._places) >= self._settings.in_all:
            return "in all"
        if self._count(lambda other: other.address == place.address) >= self._settings.per_address:
            return "per address"
        same_user = place.user is not None and self._count(lambda other: other.user == place.user)
        return "per user" if same_user and same_user >= self._settings.per_user else None

    def _count(self, fits: Callable[[Place], bool]) -> int:
        return sum(1 for place in self._places if fits(place))


def _refusal(reason: str) -> RequestRefusedError:
    if reason == "stopping":
        return RequestRefusedError(503, "The server is stopping", headers=LATER)
    if reason == "in all":
        return RequestRefusedError(503, "Too many WebSockets are open", headers=LATER)
    return RequestRefusedError(429, "You have too many WebSockets open", headers=LATER)
