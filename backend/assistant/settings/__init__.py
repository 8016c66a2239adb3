"""Settings that only this domain has: where it keeps its files."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from backend.core.setting_values import can_make_files
from backend.core.settings import Reader, SettingsError


@dataclass(frozen=True)
class DataSettings:
    """The directory for models, the vault, captures and packs; each room has a directory of its own in it."""

    directory: Path

    @classmethod
    def read(cls, read: Reader) -> "DataSettings":
        """Read `DATA_DIR`; raises SettingsError where it is no path."""
        return cls(directory=read("DATA_DIR", _directory, "var/assistant"))

    def refuse_if_unwritable(self) -> None:
        """Raise SettingsError where no files can be made in the directory; nothing is made to find out."""
        if not can_make_files(self.directory):
            raise SettingsError(
                f"DATA_DIR names {self.directory}, in which this process can't make files: "
                "write the path of a directory that it owns, or that it can make."
            )

    def room(self, name: str) -> Path:
        """The directory `name` in the data directory, made for its owner alone where it is missing."""
        path = self.directory / name
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path


def desktop_directory() -> Path:
    """Where the old system kept its data on this operating system; the desktop's own server still does."""
    home, system = Path.home(), platform.system()
    if system == "Windows":
        return Path(os.environ.get("LOCALAPPDATA") or home) / "Westfall" / "Assistant"
    if system == "Darwin":
        return home / "Library" / "Application Support" / "Westfall" / "Assistant"
    if system == "Linux":
        return home / ".local" / "share" / "westfall-assistant"
    return home / ".westfall-assistant"


def _directory(value: str) -> Path:
    if not value or "\0" in value:
        raise ValueError("a directory")
    return Path(value).expanduser().absolute()
