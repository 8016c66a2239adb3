"""Several callers at once, in one thread: what asks must not take the processors from what answers."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.caller import Caller, get, head_of

MOST_BYTES = 64 * 1024
GREETING = get("/health")


@dataclass(slots=True)
class _Coming:
    """An answer that is coming: its status and size are known once its head has come."""

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
    """What a crowd got: `answers` in `seconds`, with `status` at worst. `in_vain` are those that never came."""

    seconds: float = 0.0
    answers: int = 0
    status: int = 0
    in_vain: int = 0

    @property
    def seconds_each(self) -> float:
        """How long the other side was at work for an answer; at least that long where some never came."""
        return self.seconds / max(1, self.answers + self.in_vain)


def ask(port: int, requests: Sequence[bytes], callers: int, patience: float, budget: float) -> Answered:
    """Send `requests` to a server on 127.0.0.1, as many at once as there are callers.

    Callers keep their connection, as agents and browsers do, and come one after the other, so that a server's processes
    share them. Nobody asks again after `budget` seconds, or waits for more than `patience` seconds. Raises
    ConnectionError where an answer is not whole.
    """
    answered = Answered()
    left = iter(requests)
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        idle: list[socket.socket] = []
        for _ in range(callers):
            caller = stack.enter_context(Caller(port, patience))
            caller.call(GREETING)
            idle.append(caller.socket)
        began = time.perf_counter()
        while not answered.in_vain:
            while idle and (request := _next(left, began, budget)) is not None:
                connection = idle.pop()
                connection.sendall(request)
                selector.register(connection, selectors.EVENT_READ, _Coming())
            if not selector.get_map():
                break
            events = selector.select(patience)
            if not events:
                answered.in_vain = len(selector.get_map())
            for key, _ in events:
                connection = key.fileobj  # type: ignore[assignment]
                if key.data.take(connection.recv(MOST_BYTES)):
                    selector.unregister(connection)
                    idle.append(connection)
                    answered.answers += 1
                    answered.status = max(answered.status, key.data.head[0])
        answered.seconds = time.perf_counter() - began
    return answered


def _next(left: Iterator[bytes], began: float, budget: float) -> bytes | None:
    return next(left, None) if time.perf_counter() - began < budget else None
