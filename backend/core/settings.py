"""Settings: read once, from the environment and the file that CUTOVER_CONFIG names, checked, then never changed."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sqlalchemy.engine import URL

from backend.core.config_file import SettingsError, config_file
from backend.core.setting_reader import Reader
from backend.core.setting_values import (
    database_url,
    flag,
    header_name,
    number_of_seconds,
    one_of,
    secret,
    whole_number,
)

__all__ = ["Reader", "Settings", "SettingsError", "flag", "number_of_seconds", "one_of", "secret", "whole_number"]

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
ADMIN_ACCESS = ("open", "token", "proxy")
STORAGE_SCHEMES = ("memory://", "redis://", "rediss://", "redis+unix://")


@dataclass(frozen=True)
class Settings:
    """Everything an application can be told from outside. Times are in seconds, sizes in bytes.

    `upstream` is where the domain's old side is, for whoever puts a proxy before the application; `admin_access` is
    None where nobody chose; `trusted_proxies` is the number of proxies that say whom they speak for.
    `read` is how domains read settings of their own.
    """

    database_url: URL
    auto_migrate: bool
    upstream: str = ""
    pool_size: int = 10
    pool_timeout: float = 30.0
    busy_timeout: float = 30.0
    max_body_bytes: int = 100 * 1024 * 1024
    log_level: str = "INFO"
    admin_access: str | None = None
    admin_token: str | None = field(default=None, repr=False)
    admin_proxy_header: str = "X-Forwarded-User"
    admin_proxy_secret: str | None = field(default=None, repr=False)
    trusted_proxies: int = 0
    token_hashes: bool = True
    auth_failures_per_minute: int = 120
    rate_limit_storage_url: str = field(default="memory://", repr=False)
    background_jobs: bool = False
    job_lease_seconds: float = 30.0
    job_renewal_seconds: float = 10.0
    read: Reader = field(default_factory=lambda: Reader("", {}), repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what makes no sense together: a choice that needs a secret is no choice without it."""
        if self.admin_access == "token" and self.admin_token is None:
            raise SettingsError("ADMIN_ACCESS=token needs ADMIN_TOKEN, the token that operators send.")
        if self.admin_access == "proxy" and self.admin_proxy_secret is None:
            raise SettingsError("ADMIN_ACCESS=proxy needs ADMIN_PROXY_SECRET, which only the proxy knows.")
        if self.job_renewal_seconds * 2 > self.job_lease_seconds:
            raise SettingsError("JOB_RENEWAL_SECONDS must be at most half of JOB_LEASE_SECONDS.")

    @classmethod
    def from_environment(cls, domain: str, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read every setting from the environment, else from the file, else take the default, as Reader does.

        Raises SettingsError naming the first one whose value is not allowed, and where it comes from.
        """
        environment = os.environ if environment is None else environment
        read = Reader(domain, environment, config_file(environment))
        url = read("DATABASE_URL", database_url, f"sqlite:///var/{domain}.sqlite3")
        return cls(
            database_url=url,
            auto_migrate=read("AUTO_MIGRATE", flag, "true" if url.get_backend_name() == "sqlite" else "false"),
            upstream=read("UPSTREAM", str, "", own=True),
            pool_size=read("DATABASE_POOL_SIZE", whole_number(1, 1000), "10"),
            pool_timeout=read("DATABASE_POOL_TIMEOUT", number_of_seconds(0.1, 600), "30"),
            busy_timeout=read("DATABASE_BUSY_TIMEOUT", number_of_seconds(0.1, 600), "30"),
            max_body_bytes=read("MAX_BODY_BYTES", whole_number(1024, 2**31 - 1), str(100 * 1024 * 1024)),
            log_level=read("LOG_LEVEL", one_of(*LOG_LEVELS), "INFO"),
            admin_access=read("ADMIN_ACCESS", _admin_access, ""),
            admin_token=read("ADMIN_TOKEN", secret, "", secret=True),
            admin_proxy_header=read("ADMIN_PROXY_HEADER", header_name, "X-Forwarded-User"),
            admin_proxy_secret=read("ADMIN_PROXY_SECRET", secret, "", secret=True),
            trusted_proxies=read("TRUSTED_PROXIES", whole_number(0, 100), "0"),
            token_hashes=read("TOKEN_HASHES", flag, "true"),
            auth_failures_per_minute=read("AUTH_FAILURES_PER_MINUTE", whole_number(0, 1_000_000), "120"),
            rate_limit_storage_url=read("RATE_LIMIT_STORAGE_URL", _storage_url, "memory://"),
            background_jobs=read("BACKGROUND_JOBS", flag, "off"),
            job_lease_seconds=read("JOB_LEASE_SECONDS", number_of_seconds(0.5, 600), "30"),
            job_renewal_seconds=read("JOB_RENEWAL_SECONDS", number_of_seconds(0.1, 300), "10"),
            read=read,
        )


def _admin_access(value: str) -> str | None:
    return one_of(*ADMIN_ACCESS)(value) if value else None


def _storage_url(value: str) -> str:
    try:
        is_understood = value.startswith(STORAGE_SCHEMES) and (urlsplit(value).port or 1) > 0
    except ValueError:  # of the port
        is_understood = False
    if not is_understood:
        raise ValueError("memory:// or the URL of a Redis server, such as redis://host:6379/0")
    return value
