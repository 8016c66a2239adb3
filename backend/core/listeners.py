"""Where this process listens, and whether others than this machine can reach it there."""

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

DESCRIPTORS = ("/proc/self/fd", "/dev/fd")
INTERNET = (socket.AF_INET, socket.AF_INET6)


@dataclass(frozen=True)
class Listener:
    """A listening socket: `family` as in the socket module, `address` as its getsockname() tells."""

    family: int
    address: Any

    @property
    def exposed(self) -> bool:
        """Whether anybody but programs on this machine may be behind it: for a Unix socket nobody knows."""
        return self.family not in INTERNET or not is_loopback(self.address[0])

    def __str__(self) -> str:
        if self.family in INTERNET:
            host, port = self.address[:2]
            return f"[{host}]:{port}" if self.family == socket.AF_INET6 else f"{host}:{port}"
        if self.family == socket.AF_UNIX:
            return f"the Unix socket {os.fsdecode(self.address)}"
        return f"a socket of family {self.family}"


def is_loopback(host: str) -> bool:
    """Whether an address of a peer or a listener stays within this machine."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def listeners() -> list[Listener]:
    """The listening sockets of this process, inherited ones included; none where descriptors can't be listed."""
    return [found for descriptor in _descriptors() if (found := _listener(descriptor)) is not None]


def _descriptors() -> Iterator[int]:
    for directory in DESCRIPTORS:
        with suppress(OSError):
            return iter([int(entry.name) for entry in Path(directory).iterdir()])
    return iter(())


def _listener(descriptor: int) -> Listener | None:
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return None
        with socket.socket(fileno=os.dup(descriptor)) as copy:
            if not copy.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                return None
            return Listener(copy.family, copy.getsockname())
    except OSError:
        # Closed in the meantime by another thread, or no socket that knows the question.
        return None
