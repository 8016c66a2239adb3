"""The limits of WebSockets."""

from dataclasses import dataclass

from backend.core.settings import Reader, SettingsError, number_of_seconds, whole_number

#: How many threads deploy/gunicorn.conf.py is told to give a process; 0 where nobody said.
THREADS = "WEB_THREADS"
FEW = 4


@dataclass(frozen=True)
class SocketSettings:
    """Of one process, times in seconds and sizes in bytes (of texts, in characters).

    A WebSocket holds one of the server's threads as long as it is open, so `in_all` must leave some for requests.
    `ping_seconds` is how often the other end must show that it is alive, `idle_seconds` the longest time without any
    message, `send_seconds` the longest wait for the other end to take one. At most `unread` messages wait for the
    handler; then nothing more is read.
    """

    in_all: int = FEW
    per_address: int = FEW // 2
    per_user: int = 2
    ping_seconds: float = 25.0
    idle_seconds: float = 600.0
    send_seconds: float = 10.0
    message_bytes: int = 64 * 1024
    unread: int = 16

    @classmethod
    def read(cls, read: Reader) -> "SocketSettings":
        """The settings of a domain. Raises SettingsError."""
        threads = read(THREADS, whole_number(0, 10_000), "0")
        in_all = read("SOCKETS", whole_number(0, 10_000), str(threads // 2 or FEW))
        if threads and in_all >= threads:
            raise SettingsError(f"SOCKETS must be below {THREADS}: each WebSocket holds a thread.")
        return cls(
            in_all=in_all,
            per_address=read("SOCKETS_PER_ADDRESS", whole_number(1, 10_000), str(max(1, in_all // 2))),
            per_user=read("SOCKETS_PER_USER", whole_number(1, 10_000), "2"),
            ping_seconds=read("SOCKET_PING_SECONDS", number_of_seconds(0.1, 600), "25"),
            idle_seconds=read("SOCKET_IDLE_SECONDS", number_of_seconds(0.1, 86400), "600"),
            send_seconds=read("SOCKET_SEND_SECONDS", number_of_seconds(0.1, 600), "10"),
            message_bytes=read("SOCKET_MESSAGE_BYTES", whole_number(1, 2**24), str(64 * 1024)),
            unread=read("SOCKET_UNREAD_MESSAGES", whole_number(1, 1000), "16"),
        )
