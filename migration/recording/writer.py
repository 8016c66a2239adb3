"""Writing a recording while it is made: a HAR file that is complete after every entry."""

from __future__ import annotations

import json
import os
import threading
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from migration.recording.errors import RecordingError

_END = b"\n]}}\n"


class HarWriter:
    """Appends entries to a new HAR file at ``path``, one per line; shared by threads.

    Each entry is written over the end of the document together with a new end, in one call: whenever the process is
    killed, the file is whole up to its last entry. Raises :class:`RecordingError` where the file can't be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._start = _document_start()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise RecordingError(f"{path} exists already: name another file, or remove it.") from None
        except OSError as error:
            raise RecordingError(f"{path} can't be written: {error.strerror}.") from error
        self._write(self._start + _END, at=0)

    def append(self, entry: dict[str, Any]) -> None:
        """Add one entry of ``log.entries``. Raises OSError where the disk is full."""
        line = json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode()
        with self._lock:
            end = os.fstat(self._file).st_size - len(_END)
            separator = b"\n" if end == len(self._start) else b",\n"
            self._write(separator + line + _END, at=end)

    def count(self) -> int:
        """How many entries the file holds."""
        with self.path.open("rb") as lines:
            return sum(line.startswith(b'{"_index"') for line in lines)

    def close(self) -> None:
        os.close(self._file)

    def _write(self, data: bytes, at: int) -> None:
        rest = memoryview(data)
        while rest:
            written = os.pwrite(self._file, rest, at)
            rest, at = rest[written:], at + written


def _document_start() -> bytes:
    creator = json.dumps({"name": "cutover", "version": _version()})
    return f'{{"log":{{"version":"1.2","creator":{creator},"pages":[],"entries":['.encode()


def _version() -> str:
    try:
        return version("cutover")
    except PackageNotFoundError:
        return "0"
