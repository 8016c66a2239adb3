"""Where captures of the screen are kept, how many and for how long, and how long reading one may take."""

from dataclasses import dataclass
from pathlib import Path

from backend.assistant.settings import DataSettings
from backend.core.settings import Reader, number_of_seconds, whole_number


@dataclass(frozen=True)
class ScreenSettings:
    """Captures older than `keep_hours` are removed, and the oldest ones where there are more than `most_captures`."""

    data: DataSettings
    keep_hours: int = 24
    most_captures: int = 500
    ocr_seconds: float = 30.0

    @classmethod
    def read(cls, read: Reader) -> "ScreenSettings":
        """Read `SCREEN_*` and `DATA_DIR`; raises SettingsError."""
        return cls(
            data=DataSettings.read(read),
            keep_hours=read("SCREEN_KEEP_HOURS", whole_number(1, 8760), "24"),
            most_captures=read("SCREEN_MOST_CAPTURES", whole_number(1, 100_000), "500"),
            ocr_seconds=read("SCREEN_OCR_SECONDS", number_of_seconds(1, 600), "30"),
        )

    @property
    def directory(self) -> Path:
        """Where captures lie; made where it is missing."""
        return self.data.room("captures")
