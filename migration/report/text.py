"""How values become short, safe text: on a terminal, in a page, in XML."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from migration.compare.verdict import MISSING

# Control characters, invisible and direction-changing ones, lone surrogates: terminals obey them, readers miss them.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
_ELLIPSIS = "…"


class Change(NamedTuple):
    """One side of two texts: what both begin with, what differs, what both end with."""

    before: str
    differing: str
    after: str

    def __str__(self) -> str:
        return "".join(self)


def printable(text: str, keep: str = "") -> str:
    r"""``text`` with every character that acts or hides instead of showing written as ``\xNN`` or ``\uNNNN``."""
    return _UNPRINTABLE.sub(lambda found: found[0] if found[0] in keep else _escape(found[0]), text)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def one_line(value: Any) -> str:
    """A value as one line of JSON; the mark for "nothing is there" as it is."""
    if isinstance(value, str) and value == MISSING:
        return value
    return printable(json.dumps(value, ensure_ascii=False, default=str))


def shorten(text: str, limit: int) -> str:
    """``text`` in at most ``limit`` characters."""
    return text if len(text) <= limit else text[: limit - 1] + _ELLIPSIS


def changed(control: str, candidate: str, limit: int) -> tuple[Change, Change]:
    """Both texts cut at what differs, each in about ``limit`` characters around the first place where they part."""
    start = _common(control, candidate, lambda text, index: text[index])
    left, right = control[start:], candidate[start:]
    end = _common(left, right, lambda text, index: text[-1 - index])
    before, after = control[:start], left[len(left) - end :]
    return _fit(Change(before, left[: len(left) - end], after), limit), _fit(
        Change(before, right[: len(right) - end], after), limit
    )


def _common(left: str, right: str, at: Callable[[str, int], str]) -> int:
    length = min(len(left), len(right))
    return next((index for index in range(length) if at(left, index) != at(right, index)), length)


def _fit(change: Change, limit: int) -> Change:
    if len(change.before) + len(change.differing) + len(change.after) <= limit:
        return change
    around = max(limit // 3, 4)
    before = change.before if len(change.before) <= around else _ELLIPSIS + change.before[-around + 1 :]
    differing = shorten(change.differing, max(limit - len(before) - 4, around))
    return Change(before, differing, shorten(change.after, max(limit - len(before) - len(differing), 1)))


def json_safe(value: Any) -> Any:
    """``value`` with what JSON has no form for (NaN, infinities, foreign types) written as text."""
    if isinstance(value, dict):
        return {str(key): json_safe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_safe(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)


def bounded(value: Any, limit: int) -> Any:
    """``value`` itself if its JSON has at most ``limit`` characters, else the beginning of that JSON and its size."""
    safe = json_safe(value)
    text = safe if isinstance(safe, str) else json.dumps(safe, ensure_ascii=False)
    return safe if len(text) <= limit else f"{text[:limit]}{_ELLIPSIS} ({len(text):,} characters)"


def count(number: int, noun: str) -> str:
    """``1 route``, ``2 routes``: a number with its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
