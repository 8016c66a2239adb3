"""Who may call: under which names, and from whose pages."""

from dataclasses import dataclass

from backend.core.settings import Reader

DEFAULT_HOSTS = "127.0.0.1,localhost"
DEFAULT_ORIGINS = "http://127.0.0.1:*,http://localhost:*"


@dataclass(frozen=True)
class SecuritySettings:
    """`hosts` are names without ports (`*.example.org` for all below one); `origins` may have a `*` for any port."""

    hosts: tuple[str, ...]
    origins: tuple[str, ...]

    @classmethod
    def read(cls, read: Reader) -> "SecuritySettings":
        """Read both lists; raises SettingsError for an empty one and for an origin that is none."""
        return cls(
            hosts=read("SECURITY_ALLOWED_HOSTS", _hosts, DEFAULT_HOSTS),
            origins=read("SECURITY_CORS_ORIGINS", _origins, DEFAULT_ORIGINS),
        )


def _hosts(value: str) -> tuple[str, ...]:
    hosts = _listed(value)
    if not hosts or any("/" in host or ":" in host for host in hosts):
        raise ValueError("names of hosts without ports, divided by commas, such as 127.0.0.1,localhost")
    return hosts


def _origins(value: str) -> tuple[str, ...]:
    origins = _listed(value)
    if any(origin != "*" and not origin.startswith(("http://", "https://")) for origin in origins):
        raise ValueError("origins divided by commas, such as http://localhost:*,https://app.example.org")
    return origins


def _listed(value: str) -> tuple[str, ...]:
    return tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())
