"""Files that are on the disk when it is said that they are, whatever happens to the machine next."""

import os
from collections.abc import Iterable
from pathlib import Path


def write_new(path: Path, content: Iterable[bytes]) -> None:
    """Write a new file that only its owner may read, down to the disk; its directory is another matter.

    Raises OSError, FileExistsError also for a link that leads nowhere.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        for piece in content:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def sync_directory(directory: Path) -> None:
    """Put the names in `directory` on the disk: files that were made, renamed or deleted in it. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
