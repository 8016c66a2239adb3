"""Folding recorded paths to rules, by looking at each segment's value."""

from __future__ import annotations

import re
from urllib.parse import unquote

_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_HEX = re.compile(r"(?=.*\d)[0-9a-f]{6,}", re.IGNORECASE)
_VERSION = re.compile(r"v\d+(?:[._]\d+)*", re.IGNORECASE)
_PART = re.compile(r"[-_.:~]")
#: ``oauth2``, ``base64``: a word with a small number at its end is a word, unless the number is padded (``web02``).
_WORD = re.compile(r"[A-Za-z]+[1-9]\d?")
_LONG_TOKEN = 20


def fold_path(path: str) -> str:
    """``path`` as a rule: segments that look like values become ``<id>``, ``<id2>``, ... in order."""
    folded = []
    count = 0
    for segment in path.split("/"):
        if is_value(unquote(segment)):
            count += 1
            folded.append("<id>" if count == 1 else f"<id{count}>")
        else:
            folded.append(segment)
    return "/".join(folded)


def is_value(segment: str) -> bool:
    """Whether ``segment`` looks like an id, a number, a token, not like a word of the API."""
    if not segment or _VERSION.fullmatch(segment):
        return False
    if "@" in segment or _UUID.fullmatch(segment) or _NUMBER.fullmatch(segment) or _HEX.fullmatch(segment):
        return True
    digits = sum(character.isdigit() for character in segment)
    if not digits:
        return False
    if len(segment) >= _LONG_TOKEN:
        return True
    return any(_is_value_part(part) for part in _PART.split(segment))


def _is_value_part(part: str) -> bool:
    if not any(character.isdigit() for character in part) or _VERSION.fullmatch(part):
        return False
    return bool(_NUMBER.fullmatch(part) or _HEX.fullmatch(part) or not _WORD.fullmatch(part))
