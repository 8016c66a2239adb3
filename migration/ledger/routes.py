"""Routes as the ledger knows them, and when two rules mean the same route."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from migration.ledger.state import State

#: A method and a URL rule, e.g. ``("POST", "/api/agents/<agent_id>/heartbeat")``.
RouteKey = tuple[str, str]

_PLACEHOLDER = re.compile(r"<(?:(?P<converter>[A-Za-z_]\w*)(?P<arguments>\(.*?\))?:)?[A-Za-z_]\w*>")


@dataclass(frozen=True, slots=True)
class Route:
    """A route and its owner. ``updated`` (UTC), ``who`` and ``why`` belong to the last change of the owner."""

    id: int
    domain: str
    method: str
    rule: str
    state: State
    native_available: bool
    updated: datetime
    who: str
    why: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.rule}"


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the ledger's history. ``at`` is in UTC."""

    domain: str
    method: str
    rule: str
    before: State
    after: State
    who: str
    at: datetime
    why: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.rule}"


def shape(rule: str) -> str:
    """``rule`` without the names of its placeholders: two rules of one shape match the same paths."""

    def unnamed(placeholder: re.Match[str]) -> str:
        converter = placeholder["converter"]
        if converter in (None, "default", "string") and not placeholder["arguments"]:
            return "<>"
        return f"<{converter}{placeholder['arguments'] or ''}>"

    return _PLACEHOLDER.sub(unnamed, rule)


def untyped_shape(rule: str) -> str:
    """:func:`shape` without converters either, for sources that don't know them (a recording, another framework)."""
    return _PLACEHOLDER.sub("<>", rule)


def is_untyped(rule: str) -> bool:
    """Whether ``rule`` names no converter."""
    return shape(rule) == untyped_shape(rule)


class RouteSet:
    """Routes of one source, to ask whether it has a given one whatever its placeholders are called or typed."""

    def __init__(self, keys: Iterable[RouteKey]) -> None:
        self._typed: set[RouteKey] = set()
        self._untyped: set[RouteKey] = set()
        for key in keys:
            self.add(key)

    def add(self, key: RouteKey) -> None:
        method, rule = key
        self._typed.add((method, shape(rule)))
        self._untyped.add((method, untyped_shape(rule)))

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, tuple):
            return False
        method, rule = key
        return (method, shape(rule)) in self._typed

    def has_like(self, key: RouteKey) -> bool:
        """Whether a route of the same literal segments is here, with whatever converters."""
        method, rule = key
        return (method, untyped_shape(rule)) in self._untyped
