"""The values that everything in the tool speaks of: requests, responses, exchanges, recordings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

Headers = tuple[tuple[str, str], ...]


def header(headers: Iterable[tuple[str, str]], name: str, default: str | None = None) -> str | None:
    """The first value of header ``name`` (any case), or ``default``."""
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), default)


@dataclass(frozen=True, slots=True)
class Request:
    """What a caller sends. ``target`` is the raw path with its query, byte for byte (latin-1 where not ASCII)."""

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""

    @property
    def path(self) -> str:
        """The raw path, without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str | None:
        """The raw query, ``""`` for a bare ``?``, None where there is none."""
        _, mark, query = self.target.partition("?")
        return query if mark else None

    @property
    def content_type(self) -> str:
        return header(self.headers, "content-type", "") or ""


@dataclass(frozen=True, slots=True)
class Response:
    """What a side answers; ``elapsed_ms`` is from sending the request to the last byte of the answer.

    Of a body that the recorder cut for its size only ``digest``, its SHA-256 in hexadecimal, is known.
    """

    status: int
    headers: Headers = ()
    body: bytes = b""
    elapsed_ms: float = 0.0
    digest: str | None = None

    @property
    def content_type(self) -> str:
        return header(self.headers, "content-type", "") or ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request with its response. ``response`` is None where the recording holds no answer (refused, cut off)."""

    recording: str
    index: int
    started: datetime
    request: Request
    response: Response | None
    label: str = ""
    operation: str | None = None

    @property
    def name(self) -> str:
        """How reports call it: ``agent-real #17``."""
        return f"{self.recording} #{self.index}"


@dataclass(frozen=True, slots=True)
class Seed:
    """A group of rows to be put into both databases before exchange ``before``."""

    before: int
    group: str


@dataclass(frozen=True, slots=True)
class Recording:
    """Exchanges in the order in which they were sent, with the seeds that its sidecar names."""

    name: str
    path: Path
    exchanges: tuple[Exchange, ...]
    seeds: tuple[Seed, ...] = ()
    rows_file: Path | None = None
