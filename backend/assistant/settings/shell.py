"""What the desktop's shell may do to the server."""

from dataclasses import dataclass

from backend.assistant.settings.security import SecuritySettings
from backend.core.origins import Origins
from backend.core.settings import Reader, flag


@dataclass(frozen=True)
class ShellSettings:
    """Whether `POST /shutdown` stops the server, and of which origins a page may ask for it."""

    allow_shutdown: bool
    origins: Origins

    @classmethod
    def read(cls, read: Reader) -> "ShellSettings":
        """Read `ALLOW_SHUTDOWN` and `SECURITY_*`; raises SettingsError."""
        return cls(
            allow_shutdown=read("ALLOW_SHUTDOWN", flag, "false"),
            origins=Origins(SecuritySettings.read(read).origins),
        )
