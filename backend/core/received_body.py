"""The body of a request as the server hands it out, where one that is not well-formed is the caller's fault."""

from collections.abc import Callable, Iterator
from typing import Any

from flask import Request


class _ServersStream:
    """The server's stream, which says in the words of streams that a body in chunks can't be read."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def read(self, *size: int) -> bytes:
        """Up to `size` bytes. Raises OSError for a body that is not well-formed, or breaks off."""
        return _translated(self._stream.read, *size)

    def readline(self, *size: int) -> bytes:
        """Up to the end of a line. Raises OSError like `read`."""
        return _translated(self._stream.readline, *size)


class ReceivedRequest(Request):
    """A request that is answered with 400, as one whose body breaks off is, where its chunks are not well-formed."""

    def __init__(self, environ: dict[str, Any], *arguments: Any, **named: Any) -> None:
        stream = environ.get("wsgi.input")
        # Other servers raise OSError themselves, and theirs may know quicker ways of reading.
        if type(stream).__module__.partition(".")[0] == "gunicorn":
            environ["wsgi.input"] = _ServersStream(stream)
        super().__init__(environ, *arguments, **named)


def _translated(read: Callable[..., bytes], *size: int) -> bytes:
    try:
        return read(*size)
    except Exception as error:
        if type(error).__module__.partition(".")[0] == "gunicorn" and not isinstance(error, OSError):
            raise OSError("The body is not well-formed.") from error
        raise
