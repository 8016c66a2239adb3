"""Log files that several processes write and rotate together."""

import fcntl
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

from prometheus_client import Counter

from backend.core.figures import FIGURES
from backend.core.json_lines import JsonLines, RequestFilter
from backend.core.setting_values import can_make_files

LARGEST = 10 * 1024 * 1024
KEPT = 5
_CLOSED = -1
_LOST = Counter(
    "backend_log_lines_lost", "Lines that could not be written to a log file.", ["domain"], registry=FIGURES
)
NO_DIRECTORY = "a directory in which this process may make files"


class SharedFile:
    """A file of lines, which turns into `<name>.1` when it is full, and later into `<name>.2`, up to `<name>.<kept>`.

    It is full with the line that makes it `largest` bytes or more. A line is one write at the file's end, which no
    other process can come between, so writing needs no lock. A file that was turned is not written to for long: who
    still holds it sees that it is full, and looks which one is new. Only turning it takes a lock, a file beside it,
    which threads respect as processes do. `on_lost` is told of each line that could not be written. Raises OSError
    where the file can't be opened.
    """

    def __init__(
        self, path: Path, largest: int = LARGEST, kept: int = KEPT, on_lost: Callable[[], None] = lambda: None
    ) -> None:
        self._path = path
        self._largest = largest
        self._kept = kept
        self._descriptor = self._open()
        self._on_lost = on_lost

    def write(self, line: str) -> None:
        """Append `line` and its end. A line that can't be written, as on a full disk, is lost."""
        data = f"{line}\n".encode(errors="backslashreplace")
        try:
            if os.fstat(self._descriptor).st_size >= self._largest:
                self._turn()
            os.write(self._descriptor, data)
        except OSError:
            self._on_lost()

    def close(self) -> None:
        """Give the file back; what is written from now on is lost."""
        descriptor, self._descriptor = self._descriptor, _CLOSED
        if descriptor != _CLOSED:
            os.close(descriptor)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def _turn(self) -> None:
        with self._alone():
            if self._is_current():
                if os.fstat(self._descriptor).st_size < self._largest:
                    return  # another thread has turned it
                for number in range(self._kept - 1, 0, -1):
                    with suppress(FileNotFoundError):
                        self._numbered(number).replace(self._numbered(number + 1))
                self._path.replace(self._numbered(1))
            fresh = self._open()
            # The number stays the same, so that no thread ever writes to one that means something else by now.
            os.dup2(fresh, self._descriptor, inheritable=False)
            os.close(fresh)

    def _is_current(self) -> bool:
        """Whether the file that is held is still the one that the name means."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock = os.open(self._path.with_name(f".{self._path.name}.lock"), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


class DomainFileHandler(logging.Handler):
    """Writes the records of one domain, and those that belong to none, from `level` on."""

    #: Those that have files.
    domains: ClassVar[set[str]] = set()

    def __init__(self, domain: str, path: Path, level: int) -> None:
        super().__init__(level)
        self.domain = domain
        self.domains.add(domain)
        self.file = SharedFile(path, on_lost=_LOST.labels(domain).inc)
        self.setFormatter(JsonLines())
        self.addFilter(RequestFilter())
        self.addFilter(self._is_concerned)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record's line."""
        try:
            line = self.format(record)
        except Exception:
            self.handleError(record)
        else:
            self.file.write(line)

    def close(self) -> None:
        """Give the file back."""
        self.file.close()
        super().close()

    def _is_concerned(self, record: logging.LogRecord) -> bool:
        whose = getattr(record, "domain", None) or _domain_of(record.name)
        return whose is None or whose == self.domain


def _domain_of(logger: str) -> str | None:
    """The domain that a logger such as `backend.spot.engine` belongs to; None where it belongs to all."""
    parts = logger.split(".")
    return parts[1] if parts[0] == "backend" and len(parts) > 1 and parts[1] in DomainFileHandler.domains else None


def writable_directory(value: str) -> Path | None:
    """A parser of `LOG_DIR`: a directory in which files can be made, or which can be made itself; empty for none."""
    if not value:
        return None
    directory = Path(value).absolute()
    if not can_make_files(directory):
        raise ValueError(NO_DIRECTORY)
    return directory
