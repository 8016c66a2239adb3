"""Where tailor packs are installed and offered, and how large one may be."""

from dataclasses import dataclass
from pathlib import Path

from backend.assistant.settings import DataSettings
from backend.core.settings import Reader, whole_number


@dataclass(frozen=True)
class TailorPackSettings:
    """`catalog` is the directory of packs that can be ordered, or None; sizes are in bytes, of what is unpacked."""

    data: DataSettings
    catalog: Path | None = None
    most_bytes: int = 50 * 1024 * 1024
    most_files: int = 1000

    @classmethod
    def read(cls, read: Reader) -> "TailorPackSettings":
        """Read `TAILOR_PACKS_*` and `DATA_DIR`; raises SettingsError."""
        return cls(
            data=DataSettings.read(read),
            catalog=read("TAILOR_PACKS_CATALOG", _directory, ""),
            most_bytes=read("TAILOR_PACKS_MOST_BYTES", whole_number(1024, 2**31 - 1), str(50 * 1024 * 1024)),
            most_files=read("TAILOR_PACKS_MOST_FILES", whole_number(1, 10_000), "1000"),
        )

    @property
    def directory(self) -> Path:
        """Where packs are installed; made where it is missing."""
        return self.data.room("packs")


def _directory(value: str) -> Path | None:
    path = Path(value).expanduser()
    if "\0" in value or (value and not path.is_absolute()):
        raise ValueError("an absolute directory")
    return path if value else None
