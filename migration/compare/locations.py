"""Locations of an answer (``status``, ``header.<name>``, ``body.rows[3].id``), and patterns over them and routes."""

from __future__ import annotations

import re
from functools import lru_cache

_INDEX = re.compile(r"\[\d+\]")
_PLACEHOLDER = re.compile(r"<[^>]*>")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_\-$%:]+")


def child(location: str, key: str | int) -> str:
    """The location of member ``key`` of the object, or element ``key`` of the list, at ``location``."""
    if isinstance(key, int):
        return f"{location}[{key}]"
    return f"{location}.{key}" if _PLAIN_KEY.fullmatch(key) else f'{location}["{key}"]'


def fold(location: str) -> str:
    """``location`` without its list indices: the place, whichever record it is in."""
    return _INDEX.sub("[]", location)


@lru_cache(maxsize=4096)
def glob(pattern: str) -> re.Pattern[str]:
    """``pattern``, in which ``*`` stands for anything, as a regular expression."""
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)


def location_matches(pattern: str, location: str) -> bool:
    """Whether ``location`` fits: ``*`` stands for anything, ``[]`` for any index, a prefix for all below it."""
    wanted, folded = glob(pattern), fold(location)
    if wanted.fullmatch(location) or wanted.fullmatch(folded):
        return True
    match = wanted.match(folded) if "*" not in pattern else None
    return match is not None and folded[match.end() : match.end() + 1] in (".", "[")


@lru_cache(maxsize=65536)
def route_matches(pattern: str, route: str) -> bool:
    """Whether ``route`` fits ``pattern``; the names of placeholders don't count, ``*`` stands for anything."""
    return glob(_PLACEHOLDER.sub("<>", pattern)).fullmatch(_PLACEHOLDER.sub("<>", route)) is not None
