"""Secrets never reach reports: what counts as one, and what stands in its place.

A stand-in is the same for equal values and another for unequal ones, so that a reader still sees whether two differ.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus

from migration.compare.verdict import MISSING
from migration.recording.exchange import Headers

#: Called with the name and the value of a secret; answers the text that a reader may see.
StandIn = Callable[[str, str], str]

_NAME = re.compile(
    r"(?:^|_)(?:password|passwd|passphrase|secret|token|jwt|authorization|credentials?"
    r"|(?:api|access|private|secret|client|signing|encryption)_?key)(?:_(?:hash|digest|salt|sha256|encrypted))?$"
)
_COOKIES = frozenset({"cookie", "set-cookie"})
_BOUNDARY = re.compile(r"([a-z0-9])([A-Z])")
_SEGMENT = re.compile(r"[^.\[\]]+")
# Secrets inside text that is not (valid) JSON: "name": "value", name=value, name: value, multipart fields.
_PAIR = re.compile(
    r"""(["']?)(\b[\w-]{0,60}(?:pass(?:word|wd|phrase)|secret|token|jwt|authorization|credentials?|key))\1"""
    r"""(\s*[:=]\s*)("(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s"'&;,<>{}\[\]()]+)""",
    re.IGNORECASE,
)
_PART = re.compile(r'(name="([^"]+)"(?:\r?\n[^\r\n]+)*\r?\n\r?\n)([^\r\n]+)')
_SCHEME = re.compile(r"\b(Bearer|Basic)\s+(?=\S*[\d=])([A-Za-z0-9._~+/=-]{6,})")
_JWT = re.compile(r"\beyJ[\w-]{8,2000}\.[\w-]+\.[\w-]*")
_USERINFO = re.compile(r"(?<=://)[^/@\s:]*:([^/@\s]+)(?=@)")
# Nearly all texts hold none of these and need no closer look.
_SUSPECT = re.compile(r"[:=]|Bearer|Basic|eyJ")
_PLACEHOLDER = re.compile(r"<(?:[^<>:]+:)?([^<>]+)>")
#: Shorter secrets are masked where their name shows them, but not searched for elsewhere: "1234" is also a number.
_SEARCHED_LENGTH = 6
#: From this length on, an unquoted value after "token:" is no word of a sentence.
_PROSE_LENGTH = 16
_DEPTH = 60
_NOT_SECRET = frozenset({"Bearer", "Basic", "null", "true", "false"})


def is_secret(name: str) -> bool:
    """Whether a field, parameter or header of this name holds a secret: ``client_token``, ``apiKey``, ``X-API-Key``."""
    snake = _BOUNDARY.sub(r"\1_\2", name.strip()).replace("-", "_").lower()
    return _NAME.search(snake) is not None


def _secret_on_the_way(location: str) -> str:
    """The first secret name that ``location`` passes through, empty where there is none."""
    return next((segment for segment in _SEGMENT.findall(location) if is_secret(segment.strip("\"'"))), "")


def pseudonyms() -> StandIn:
    """Stand-ins like ``••••a1b2``. Keyed afresh on each call: nobody can find a weak password by trying."""
    key = secrets.token_bytes(16)

    def stand_in(name: str, value: str) -> str:
        return "••••" + hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=2, key=key).hexdigest()

    return stand_in


class Masker:
    """Masks the texts and values of one exchange.

    It remembers the secrets it met by name and masks them also where nothing names them (an error text that quotes a
    token), so show it everything of an exchange once before using what it answers.
    """

    def __init__(self, stand_in: StandIn) -> None:
        self._stand_in = stand_in
        self._known: dict[str, str] = {}
        self._given: set[str] = set()
        self._search: re.Pattern[str] | None = None

    def headers(self, headers: Headers) -> Headers:
        """Headers with credentials and cookie values masked; schemes and cookie names stay."""
        return tuple((name, self.header(name, value)) for name, value in headers)

    def header(self, name: str, value: str) -> str:
        lowered = name.lower()
        if lowered in _COOKIES:
            return self._cookies(value, only_first=lowered == "set-cookie")
        if not is_secret(name):
            return self.text(value)
        scheme, space, credentials = value.partition(" ")
        if space and "authorization" in lowered:
            label = "token" if scheme.lower() == "bearer" else scheme
            return f"{scheme} {self._hide(label, credentials.strip())}"
        return self._hide(name, value)

    def _cookies(self, value: str, only_first: bool) -> str:
        parts = value.split(";")
        for position, part in enumerate(parts[:1] if only_first else parts):
            name, mark, content = part.partition("=")
            if mark:
                parts[position] = f"{name}={self._hide(f'cookie_{name.strip()}', content)}"
        return ";".join(parts)

    def target(self, target: str, route: str) -> str:
        """A path with its query, with secret parameters masked: those of the query and those that the route names."""
        path, mark, query = target.partition("?")
        segments, rule = path.split("/"), route.partition(" ")[2].split("/")
        if len(segments) == len(rule):
            for position, expected in enumerate(rule):
                placeholder = _PLACEHOLDER.fullmatch(expected)
                if placeholder and is_secret(placeholder[1]):
                    segments[position] = self._hide(placeholder[1], segments[position])
        return self.text("/".join(segments)) + mark + self.form(query)

    def form(self, text: str) -> str:
        """A query or an urlencoded form with the values of secret names masked; the rest byte for byte."""
        pairs = [pair.partition("=") for pair in text.split("&")]
        return "&".join(
            f"{name}={self._hide(unquote_plus(name), unquote_plus(value), value)}"
            if mark and is_secret(unquote_plus(name))
            else self._scrub(name + mark + value)
            for name, mark, value in pairs
        )

    def value(self, value: Any, name: str = "", depth: int = 0) -> Any:
        """A JSON-like value with secrets masked, all of it where ``name`` is given; deep nesting is cut."""
        if depth > _DEPTH and isinstance(value, dict | list | tuple):
            return "(nested too deeply to show)"
        if isinstance(value, dict):
            return {
                self.text(str(key)): self.value(item, str(key) if is_secret(str(key)) else name, depth + 1)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(item, name, depth + 1) for item in value]
        if name:
            return self._leaf(name, value)
        return self.text(value) if isinstance(value, str) else value

    def at(self, location: str, value: Any) -> Any:
        """A value of a difference: masked as a whole where ``location`` passes through a secret name."""
        area, _, rest = location.partition(".")
        if isinstance(value, str) and value == MISSING:
            return value
        if area == "header" and isinstance(value, str):
            return self.header(rest, value)
        return self.value(value, _secret_on_the_way(location))

    def detail(self, location: str, text: str) -> str:
        """What is said of a difference; nothing where its values are secret, since it may name others of the kind."""
        return "" if _secret_on_the_way(location) else self.text(text)

    def text(self, text: str) -> str:
        """Free text with known secrets, and what looks like one, masked."""
        if _SUSPECT.search(text) is None:
            return self._scrub(text)
        text = _USERINFO.sub(lambda found: found[0].replace(found[1], self._hide("password", found[1])), text)
        text = _PART.sub(self._part, text)
        text = _SCHEME.sub(lambda found: f"{found[1]} {self._hide('token', found[2])}", text)
        text = _PAIR.sub(self._pair, text)
        text = _JWT.sub(lambda found: self._hide("token", found[0]), text)
        return self._scrub(text)

    def _part(self, found: re.Match[str]) -> str:
        return found[1] + self._hide(found[2], found[3]) if is_secret(found[2]) else found[0]

    def _pair(self, found: re.Match[str]) -> str:
        quoted, name, separator, value = found.groups()
        if not is_secret(name) or value in _NOT_SECRET:
            return found[0]
        mark = value[0] if value[0] in "\"'" else ""
        if not mark and ":" in separator and len(value) < _PROSE_LENGTH and not any(map(str.isdigit, value)):
            return found[0]  # prose: "invalid token: expired"
        content = value[1:].removesuffix(mark) if mark else value
        return f"{quoted}{name}{quoted}{separator}{mark}{self._hide(name, content)}{mark}"

    def _leaf(self, name: str, value: Any) -> Any:
        # Whether a secret is there at all, and of which type, is no secret.
        if value is None or isinstance(value, bool) or value == "":
            return value
        return self._hide(name, value if isinstance(value, str) else json.dumps(value, default=str))

    def _hide(self, name: str, value: str, written: str | None = None) -> str:
        if not value or value in self._given:
            return value
        stand_in = self._stand_in(name, value)
        self._given.add(stand_in)
        if len(value) >= _SEARCHED_LENGTH:
            forms = {value, written or value, json.dumps(value)[1:-1], quote(value, safe=""), quote_plus(value)}
            if not forms <= self._known.keys():
                self._known.update(dict.fromkeys(forms, stand_in))
                self._search = None
        return stand_in

    def _scrub(self, text: str) -> str:
        if not self._known or not text:
            return text
        if self._search is None:
            longest_first = sorted(self._known, key=len, reverse=True)
            self._search = re.compile("|".join(map(re.escape, longest_first)))
        return self._search.sub(lambda found: self._known[found[0]], text)
