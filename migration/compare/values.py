"""Recognising, inside any text, what a server makes up as it goes: identifiers, tokens and times.

A text is taken apart into pieces; two texts say the same if their literal pieces are equal and their generated ones
stand for the same thing. The patterns are the built-in knowledge, used where nothing better was learned.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"


class PieceKind(enum.StrEnum):
    LITERAL = "literal"
    TIME = "time"
    GENERATED = "generated"


class Piece(NamedTuple):
    kind: PieceKind
    text: str


#: ISO 8601 / RFC 3339 dates and times, and IMF-fixdate (RFC 9110, 5.6.7).
TIME_PATTERN = (
    r"(?<!\d)\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?(?!\d)"
    rf"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{{2}} (?:{_MONTHS}) \d{{4}} \d{{2}}:\d{{2}}:\d{{2}} GMT"
)

#: UUID (RFC 9562), JWT (RFC 7519), hexadecimal of eight digits or more, and long mixed tokens (base64url and alike):
#: those that chance left without a digit are told from words by their capitals.
GENERATED_PATTERN = (
    r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}(?![0-9A-Za-z])"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
    r"|(?<![0-9A-Za-z])[0-9a-f]{8,}(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z])(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{16,}(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z_-])(?=[^\d]*\d)(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])[A-Za-z0-9_-]{20,}(?![0-9A-Za-z_-])"
    r"|(?<![0-9A-Za-z_-])(?=(?:[A-Za-z_-]*?[a-z][A-Z]){3})(?=(?:[A-Za-z_-]*?[A-Z]{2}){3})[A-Za-z_-]{30,}(?![0-9A-Za-z_-])"
)

_PIECES = re.compile(rf"(?P<time>{TIME_PATTERN})|(?P<generated>{GENERATED_PATTERN})")
_GENERATED = re.compile(rf"(?:{TIME_PATTERN})|({GENERATED_PATTERN})")
_TIMES = re.compile(TIME_PATTERN)
#: Where a generated value can be at all: found quickly, looked into closely.
_RUNS = re.compile(r"[A-Za-z0-9_.-]{8,}")


@lru_cache(maxsize=16384)
def pieces(text: str) -> tuple[Piece, ...]:
    """``text`` taken apart, in order; literal pieces are never empty."""
    found: list[Piece] = []
    at = 0
    for match in _PIECES.finditer(text):
        if match.start() > at:
            found.append(Piece(PieceKind.LITERAL, text[at : match.start()]))
        kind = PieceKind.TIME if match.lastgroup == "time" else PieceKind.GENERATED
        found.append(Piece(kind, match.group()))
        at = match.end()
    if at < len(text):
        found.append(Piece(PieceKind.LITERAL, text[at:]))
    return tuple(found)


def generated_values(text: str) -> set[str]:
    """Every generated value in ``text``, by pattern alone."""
    found: set[str] = set()
    for run in set(_RUNS.findall(text)):
        found |= _generated_in_run(run)
    return found


@lru_cache(maxsize=65536)
def _generated_in_run(run: str) -> frozenset[str]:
    return frozenset(value for value in _GENERATED.findall(run) if value)


def has_times(text: str) -> bool:
    return _TIMES.search(text) is not None


def replace_times(text: str, replacement: Callable[[str], str]) -> str:
    """``text`` with each time in it replaced by what ``replacement`` makes of it."""
    return _TIMES.sub(lambda match: replacement(match.group()), text)
