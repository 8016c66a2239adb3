"""Captures on disk: unique names that sort by time, for their owner's eyes only, and never too many."""

import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from backend.assistant.services.screen.grabbing import grab
from backend.assistant.services.screen.refusals import NoCaptureError, ScreenUnavailableError
from backend.assistant.settings.screen import ScreenSettings

NAME = re.compile(r"capture_\d{8}T\d{12}_[0-9a-f]{8}\.png")
LEFT_BEHIND_SECONDS = 60.0
PART = ".part"


@dataclass(frozen=True)
class Capture:
    """A picture that was kept: `taken` is in seconds since 1970, `size` in bytes, the rest in pixels."""

    path: Path
    taken: float
    size: int
    width: int
    height: int


def capture(settings: ScreenSettings) -> Capture:
    """Keep a picture of the screen, and remove old ones. Raises ScreenUnavailableError."""
    taken = time.time()
    picture = grab()
    try:
        path = _keep(directory_of(settings), taken, picture.png)
    except OSError as error:
        raise unwritable(error) from error
    clean(settings, taken)
    return Capture(path, taken, len(picture.png), picture.width, picture.height)


def directory_of(settings: ScreenSettings) -> Path:
    """Where captures lie; raises ScreenUnavailableError where it can't be made."""
    try:
        return settings.directory
    except OSError as error:
        raise unwritable(error) from error


def find(settings: ScreenSettings, wanted: str | None) -> Path | None:
    """The capture of that name or path, or the newest, or None where there is none yet.

    Raises NoCaptureError for anything that is no capture of ours, wherever it may be.
    """
    directory = directory_of(settings)
    if wanted is None:
        return max(_kept(directory), key=lambda path: path.name, default=None)
    name = wanted.removeprefix(f"{directory}{os.sep}")
    if not NAME.fullmatch(name) or not _is_file(directory / name):
        raise NoCaptureError
    return directory / name


def clean(settings: ScreenSettings, now: float) -> None:
    """Remove captures that are too old or too many, and pictures that were never finished."""
    directory = directory_of(settings)
    kept = sorted(_kept(directory), key=lambda path: path.name)
    too_many = set(kept[: max(0, len(kept) - settings.most_captures)])
    for path in kept:
        if path in too_many or _age(path, now) > settings.keep_hours * 3600:
            path.unlink(missing_ok=True)
    for path in directory.glob(f"*{PART}"):
        if _age(path, now) > LEFT_BEHIND_SECONDS:
            path.unlink(missing_ok=True)


def unwritable(error: OSError) -> ScreenUnavailableError:
    """What callers are told where the data directory can't be written to."""
    return ScreenUnavailableError(f"no picture can be kept in the data directory ({error.strerror})")


def _keep(directory: Path, taken: float, png: bytes) -> Path:
    moment = datetime.fromtimestamp(taken, UTC).strftime("%Y%m%dT%H%M%S%f")
    path = directory / f"capture_{moment}_{secrets.token_hex(4)}.png"
    part = path.with_suffix(PART)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(png)
        part.rename(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    return path


def _kept(directory: Path) -> Iterator[Path]:
    return (path for path in directory.iterdir() if NAME.fullmatch(path.name) and _is_file(path))


def _is_file(path: Path) -> bool:
    """Whether it is a file itself, and no link to one."""
    with suppress(OSError):
        return stat.S_ISREG(path.lstat().st_mode)
    return False


def _age(path: Path, now: float) -> float:
    with suppress(OSError):
        return now - path.lstat().st_mtime
    return 0.0
