"""Where music may lie, and how much of it one scan looks at."""

import os
from dataclasses import dataclass
from pathlib import Path

from backend.assistant.settings import DataSettings
from backend.core.settings import Reader, number_of_seconds, whole_number


@dataclass(frozen=True)
class MusicSettings:
    """The directories that may be scanned, with all below them, and the limits of one scan."""

    roots: tuple[Path, ...]
    scan_files: int = 10_000
    scan_seconds: float = 60.0

    @classmethod
    def read(cls, read: Reader) -> "MusicSettings":
        """Read `MUSIC_ROOTS` (`DATA_DIR/music` by default) and `MUSIC_SCAN_*`; raises SettingsError."""
        own = str(DataSettings.read(read).directory / "music")
        return cls(
            roots=read("MUSIC_ROOTS", _directories, own),
            scan_files=read("MUSIC_SCAN_FILES", whole_number(1, 1_000_000), "10000"),
            scan_seconds=read("MUSIC_SCAN_SECONDS", number_of_seconds(1, 3600), "60"),
        )


def _directories(value: str) -> tuple[Path, ...]:
    roots = tuple(Path(part).expanduser() for part in value.split(os.pathsep) if part)
    if not roots or "\0" in value or not all(root.is_absolute() for root in roots):
        raise ValueError(f"absolute directories, separated by {os.pathsep!r}")
    return roots
