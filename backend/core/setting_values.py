"""What settings may say: a parser returns the value of a text, or raises ValueError saying what is allowed."""

import os
import re
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

DRIVERS = {
    "sqlite": "sqlite",
    "mysql": "mysql+pymysql",
    "mysql+pymysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "mariadb+pymysql": "mysql+pymysql",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
SHORTEST_SECRET = 16
FLAGS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def database_url(value: str) -> URL:
    """The address of a database of a known product; relative SQLite files are meant from the working directory."""
    allowed = "a database URL such as sqlite:///var/spot.sqlite3, mysql://user:password@host:3306/name or postgresql://"
    try:
        url = make_url(value)
        return _with_absolute_path(url.set(drivername=DRIVERS[url.drivername]))
    except (ArgumentError, KeyError, ValueError):
        raise ValueError(allowed) from None


def _with_absolute_path(url: URL) -> URL:
    """The working directory may change later. Raises ValueError for none: each connection would have its own."""
    if url.drivername != "sqlite":
        return url
    if not url.database or url.database == ":memory:":
        raise ValueError("SQLite in memory")
    return url.set(database=str(Path(url.database).absolute()))


def can_make_files(directory: Path) -> bool:
    """Whether this process may make files in `directory`, which it may have to make first. Nothing is made."""
    try:
        there = next(place for place in (directory, *directory.parents) if place.exists())
        return there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    except OSError:
        return False


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


def one_of(*allowed: str) -> Callable[[str], str]:
    """A parser of one of these words, in any case; the word is returned as it is written here."""
    words = {word.lower(): word for word in allowed}

    def parse(value: str) -> str:
        try:
            return words[value.lower()]
        except KeyError:
            raise ValueError("one of " + ", ".join(allowed)) from None

    return parse


def secret(value: str) -> str | None:
    """Something long that only some know, for a header; None where nothing is given."""
    if value and (len(value) < SHORTEST_SECRET or not value.isascii() or not value.isprintable() or " " in value):
        raise ValueError(f"at least {SHORTEST_SECRET} visible ASCII characters without spaces")
    return value or None


def header_name(value: str) -> str:
    """The name of a header."""
    if not re.fullmatch(r"[A-Za-z0-9-]+", value):
        raise ValueError("the name of a header, such as X-Forwarded-User")
    return value
