"""Who may call: under which names, and from whose pages."""

import re
from dataclasses import dataclass

from backend.core.settings import Reader

DEFAULT_HOSTS = "127.0.0.1,localhost"
DEFAULT_ORIGINS = "http://127.0.0.1:*,http://localhost:*"
LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
HOST = re.compile(rf"\*|(\*\.)?{LABEL}(\.{LABEL})*", re.IGNORECASE)


@dataclass(frozen=True)
class SecuritySettings:
    """Names without ports in `hosts` (`*.example.org` for all below one, `*` for any), and whole `origins`.

    An origin may have a `*` for any port.
    """

    hosts: tuple[str, ...]
    origins: tuple[str, ...]

    @classmethod
    def read(cls, read: Reader) -> "SecuritySettings":
        """Read both lists; raises SettingsError for an empty one, and for a host or an origin that is none."""
        return cls(
            hosts=read("SECURITY_ALLOWED_HOSTS", _hosts, DEFAULT_HOSTS),
            origins=read("SECURITY_CORS_ORIGINS", _origins, DEFAULT_ORIGINS),
        )


def _hosts(value: str) -> tuple[str, ...]:
    hosts = _listed(value)
    wrong = next((host for host in hosts if not HOST.fullmatch(host)), None if hosts else value)
    if wrong is not None:
        raise ValueError(f"names of hosts without ports, divided by commas, such as {DEFAULT_HOSTS}, not {wrong!r}")
    return hosts


def _origins(value: str) -> tuple[str, ...]:
    origins = _listed(value)
    if any(origin != "*" and not origin.startswith(("http://", "https://")) for origin in origins):
        raise ValueError("origins divided by commas, such as http://localhost:*,https://app.example.org")
    return origins


def _listed(value: str) -> tuple[str, ...]:
    return tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())
