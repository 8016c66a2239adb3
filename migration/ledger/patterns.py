"""Naming routes on the command line: ``'POST /api/agents/*'``, ``'/api/agents/*'``, ``'GET /health'``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from migration.ledger.errors import LedgerError
from migration.ledger.routes import Route, untyped_shape
from migration.ledger.table import RoutingTable

_METHOD_AND_RULE = re.compile(r"(?:(?P<method>[A-Za-z]+|\*)\s+)?(?P<rule>[/*]\S*)")
_SUGGESTIONS = 3


@dataclass(frozen=True, slots=True)
class Selection:
    """The routes that one pattern means. ``exact`` is False where a ``*`` stands in it."""

    pattern: str
    routes: tuple[Route, ...]
    exact: bool


def select_routes(pattern: str, routes: Sequence[Route]) -> Selection:
    """The routes that ``pattern`` means: an optional method, a rule, ``*`` for anything in it (slashes too).

    Placeholders may have any name and may be written ``{id}``. Raises :class:`LedgerError` for a pattern that is not
    understood or means no route, with the nearest ones.
    """
    parsed = _METHOD_AND_RULE.fullmatch(pattern.strip())
    if parsed is None:
        raise LedgerError(f"{pattern!r} is not a route: write a method and a rule, like 'POST /api/agents/*'.")
    method = parsed["method"] or "*"
    rule = re.sub(r"\{(\w+)\}", r"<\1>", parsed["rule"])
    wanted = re.compile(re.escape(untyped_shape(rule)).replace(r"\*", ".*"))
    chosen = tuple(
        route
        for route in routes
        if method in ("*", route.method.upper(), route.method.lower()) and wanted.fullmatch(untyped_shape(route.rule))
    )
    if not chosen:
        raise LedgerError(f"No route is called {pattern!r}.{_advice(method, rule, routes)}")
    return Selection(pattern, chosen, exact="*" not in rule)


def _advice(method: str, rule: str, routes: Sequence[Route]) -> str:
    names = {route.name: route.rule for route in routes}
    owner = None if method == "*" else RoutingTable(routes).match(method.upper(), rule)
    near = [f"{method.upper()} {owner.rule}"] if owner else []
    wanted = rule if method == "*" else f"{method.upper()} {rule}"
    compared = {(known if method == "*" else name): name for name, known in names.items()}
    near += [compared[hit] for hit in difflib.get_close_matches(wanted, compared, n=_SUGGESTIONS, cutoff=0.5)]
    unique = list(dict.fromkeys(near))[:_SUGGESTIONS]
    if not unique:
        return " `cutover routes` lists the known ones."
    return f" Did you mean {' or '.join(repr(name) for name in unique)}?"
