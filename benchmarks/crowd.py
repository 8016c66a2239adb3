"""Several callers at once, in one thread: what asks must not take the processors from what answers."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.caller import head_of

MOST_BYTES = 64 * 1024


@dataclass(slots=True)
class _Answer:
    """One that is coming: its status and size are known once its head has come."""

    head: tuple[int, int] | None = None
    began: bytes = b""
    received: int = 0

    def take(self, piece: bytes) -> bool:
        """Whether this was the last piece. Raises ConnectionError where there is no more, and it was not."""
        if not piece:
            raise ConnectionError("The server closed the connection.")
        self.received += len(piece)
        if self.head is None:
            self.began += piece
            self.head = head_of(self.began)
        return self.head is not None and self.received >= self.head[1]


@dataclass(slots=True)
class Answered:
    """What a crowd got: `answers` in `seconds`, with `status` at worst. `gave_up` where one was waited for in vain."""

    seconds: float = 0.0
    answers: int = 0
    status: int = 0
    gave_up: bool = False


def ask(port: int, requests: Sequence[bytes], callers: int, patience: float, budget: float) -> Answered:
    """Send `requests` to a server on 127.0.0.1, each on a connection of its own, as many at once as there are callers.

    Nobody asks again after `budget` seconds, or waits for more than `patience` seconds. Raises ConnectionError where an
    answer is not whole.
    """
    answered = Answered()
    left = iter(requests)
    began = time.perf_counter()
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())

        def send_next() -> None:
            request = next(left, None) if time.perf_counter() - began < budget else None
            if request is not None:
                connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), patience))
                connection.sendall(request)
                selector.register(connection, selectors.EVENT_READ, _Answer())

        for _ in range(callers):
            send_next()
        while selector.get_map() and not answered.gave_up:
            events = selector.select(patience)
            answered.gave_up = not events
            for key, _ in events:
                connection: socket.socket = key.fileobj  # type: ignore[assignment]
                if not key.data.take(connection.recv(MOST_BYTES)):
                    continue
                selector.unregister(connection)
                connection.close()
                answered.answers += 1
                answered.status = max(answered.status, key.data.head[0])
                send_next()
    answered.seconds = time.perf_counter() - began
    return answered
