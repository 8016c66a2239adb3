"""The routing table: which route a request belongs to, and who serves it."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, RequestRedirect, Rule
from werkzeug.routing.converters import DEFAULT_CONVERTERS

from migration.ledger.routes import Route, shape
from migration.ledger.state import State

log = logging.getLogger(__name__)

#: How many requests' matches a table remembers; what is asked again and again costs no search then.
_REMEMBERED = 4096
#: A longer path is searched for each time, so that callers can't fill the memory with them.
_LONGEST_REMEMBERED = 512
_CONVERTER = re.compile(r"<(?P<name>[A-Za-z_]\w*)(?:\(.*?\))?:")


@dataclass(frozen=True, slots=True)
class Match:
    """The rule that a request belongs to, and the side that serves it."""

    rule: str
    state: State


@dataclass(slots=True, eq=False)
class _Entry:
    """A rule with the matches of its methods; werkzeug hands it back as the endpoint."""

    rule: str
    matches: dict[str, Match] = field(default_factory=dict)

    def close(self) -> None:
        """Add the methods that a rule answers without listing them."""
        states = {match.state for match in self.matches.values()}
        self.matches["OPTIONS"] = Match(self.rule, State.NATIVE if states == {State.NATIVE} else State.LEGACY)
        if "GET" in self.matches:
            self.matches["HEAD"] = self.matches["GET"]


class RoutingTable:
    """Routes compiled for matching, immutable. Werkzeug does the matching, so literals beat placeholders as there.

    ``counts`` is how many routes each state has.
    """

    def __init__(self, routes: Iterable[Route] = ()) -> None:
        entries: dict[str, _Entry] = {}
        counts = dict.fromkeys(State, 0)
        for route in routes:
            counts[route.state] += 1
            entry = entries.setdefault(shape(route.rule), _Entry(route.rule))
            entry.matches[route.method] = Match(route.rule, route.state)
        url_map = Map()
        for entry in entries.values():
            entry.close()
            try:
                url_map.add(Rule(_with_known_converters(entry.rule), endpoint=entry, methods=list(entry.matches)))
            except (ValueError, LookupError, SyntaxError) as error:
                log.warning("The rule %s can't be matched and stays with legacy: %s", entry.rule, error)
        url_map.update()
        self._adapter = url_map.bind("")
        self._size = len(entries)
        self.counts: Mapping[State, int] = counts
        self._remembered = functools.lru_cache(_REMEMBERED)(self._find)

    def __len__(self) -> int:
        return self._size

    def match(self, method: str, path: str) -> Match | None:
        """The route of a request, None if no rule has this path and method.

        ``path`` is decoded, as in WSGI's ``PATH_INFO`` after decoding to text: both sides route by that form.
        """
        return self._remembered(method, path) if len(path) <= _LONGEST_REMEMBERED else self._find(method, path)

    def _find(self, method: str, path: str) -> Match | None:
        try:
            entry, _arguments = self._adapter.match(path, method)
        except (RequestRedirect, HTTPException):
            return None
        return cast(_Entry, entry).matches.get(method)


def _with_known_converters(rule: str) -> str:
    """``rule`` with plain placeholders where the application that it comes from has converters of its own."""

    def known(converter: re.Match[str]) -> str:
        return converter[0] if converter["name"] in DEFAULT_CONVERTERS else "<"

    return _CONVERTER.sub(known, rule)
