"""Settings: read once from the environment, checked, then never changed."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

T = TypeVar("T")

DRIVERS = {
    "sqlite": "sqlite",
    "mysql": "mysql+pymysql",
    "mysql+pymysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "mariadb+pymysql": "mysql+pymysql",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
ADMIN_ACCESS = ("open", "token", "proxy")
SHORTEST_SECRET = 16
STORAGE_SCHEMES = ("memory://", "redis://", "rediss://", "redis+unix://")
FLAGS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


class SettingsError(ValueError):
    """An environment variable holds a value that is not allowed; the text names it and says what is."""


@dataclass(frozen=True)
class Settings:
    """Everything an application can be told from outside. Times are in seconds, sizes in bytes.

    `admin_access` is None where nobody chose; `trusted_proxies` is the number of proxies that say whom they speak for.
    `read` is how domains read settings of their own.
    """

    database_url: URL
    auto_migrate: bool
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
    read: "Reader" = field(default_factory=lambda: Reader("", {}), repr=False, compare=False)

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
        """Read `<DOMAIN>_<NAME>`, else `<NAME>`, else the default, for every setting.

        Raises SettingsError naming the first variable whose value is not allowed.
        """
        read = Reader(domain, os.environ if environment is None else environment)
        url = read("DATABASE_URL", _database_url, f"sqlite:///var/{domain}.sqlite3")
        return cls(
            database_url=url,
            auto_migrate=read("AUTO_MIGRATE", flag, "true" if url.get_backend_name() == "sqlite" else "false"),
            pool_size=read("DATABASE_POOL_SIZE", whole_number(1, 1000), "10"),
            pool_timeout=read("DATABASE_POOL_TIMEOUT", number_of_seconds(0.1, 600), "30"),
            busy_timeout=read("DATABASE_BUSY_TIMEOUT", number_of_seconds(0.1, 600), "30"),
            max_body_bytes=read("MAX_BODY_BYTES", whole_number(1024, 2**31 - 1), str(100 * 1024 * 1024)),
            log_level=read("LOG_LEVEL", _log_level, "INFO"),
            admin_access=read("ADMIN_ACCESS", _admin_access, ""),
            admin_token=read("ADMIN_TOKEN", _secret, ""),
            admin_proxy_header=read("ADMIN_PROXY_HEADER", _header_name, "X-Forwarded-User"),
            admin_proxy_secret=read("ADMIN_PROXY_SECRET", _secret, ""),
            trusted_proxies=read("TRUSTED_PROXIES", whole_number(0, 100), "0"),
            token_hashes=read("TOKEN_HASHES", flag, "true"),
            auth_failures_per_minute=read("AUTH_FAILURES_PER_MINUTE", whole_number(0, 1_000_000), "120"),
            rate_limit_storage_url=read("RATE_LIMIT_STORAGE_URL", _storage_url, "memory://"),
            background_jobs=read("BACKGROUND_JOBS", flag, "off"),
            job_lease_seconds=read("JOB_LEASE_SECONDS", number_of_seconds(0.5, 600), "30"),
            job_renewal_seconds=read("JOB_RENEWAL_SECONDS", number_of_seconds(0.1, 300), "10"),
            read=read,
        )


class Reader:
    """Reads one setting from `<DOMAIN>_<NAME>`, else `<NAME>`, else the default; raises SettingsError."""

    def __init__(self, domain: str, environment: Mapping[str, str]) -> None:
        self.prefix = f"{domain.upper()}_"
        self.environment = environment

    def __call__(self, name: str, parse: Callable[[str], T], default: str) -> T:
        for variable in (self.prefix + name, name):
            if variable in self.environment:
                try:
                    return parse(self.environment[variable].strip())
                except ValueError as error:
                    raise SettingsError(f"{variable} must be {error}.") from None
        return parse(default)


def _database_url(value: str) -> URL:
    allowed = "a database URL such as sqlite:///var/spot.sqlite3, mysql://user:password@host:3306/name or postgresql://"
    try:
        url = make_url(value)
        return _with_absolute_path(url.set(drivername=DRIVERS[url.drivername]))
    except (ArgumentError, KeyError, ValueError):
        raise ValueError(allowed) from None


def _with_absolute_path(url: URL) -> URL:
    """Relative SQLite files are meant from the working directory, which may change later."""
    if url.drivername != "sqlite" or not url.database or url.database == ":memory:":
        return url
    return url.set(database=str(Path(url.database).absolute()))


def flag(value: str) -> bool:
    """Yes or no, in any of the usual words."""
    try:
        return FLAGS[value.lower()]
    except KeyError:
        raise ValueError("one of " + ", ".join(FLAGS)) from None


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """A parser of numbers from `low` to `high`."""

    def parse(value: str) -> int:
        if not value.isdecimal() or not low <= int(value) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(value)

    return parse


def number_of_seconds(low: float, high: float) -> Callable[[str], float]:
    """A parser of times in seconds from `low` to `high`."""

    def parse(value: str) -> float:
        try:
            seconds = float(value)
        except ValueError:
            seconds = float("nan")
        if not low <= seconds <= high:
            raise ValueError(f"a number of seconds from {low:g} to {high:g}")
        return seconds

    return parse


def _log_level(value: str) -> str:
    if value.upper() not in LOG_LEVELS:
        raise ValueError("one of " + ", ".join(LOG_LEVELS))
    return value.upper()


def _admin_access(value: str) -> str | None:
    if value and value.lower() not in ADMIN_ACCESS:
        raise ValueError("one of " + ", ".join(ADMIN_ACCESS))
    return value.lower() or None


def _secret(value: str) -> str | None:
    if value and (len(value) < SHORTEST_SECRET or not value.isascii() or not value.isprintable() or " " in value):
        raise ValueError(f"at least {SHORTEST_SECRET} visible ASCII characters without spaces")
    return value or None


def _header_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]+", value):
        raise ValueError("the name of a header, such as X-Forwarded-User")
    return value


def _storage_url(value: str) -> str:
    if not value.startswith(STORAGE_SCHEMES):
        raise ValueError("memory:// or the URL of a Redis server, such as redis://host:6379/0")
    return value
