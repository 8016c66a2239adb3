"""Naming the route of an exchange, so that a report has one row a route."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, RequestRedirect, Rule

from migration.ledger.folding import fold_path
from migration.recording.exchange import Exchange
from migration.replay.minting import Minting

_CONVERTER = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
_PATH_CONVERTER = re.compile(r"<path:([^<>]+)>")


class RouteNamer:
    """Names routes by the sides' own rules where they show them, else by the sidecar, else by folding the path."""

    def __init__(self, rules: Iterable[tuple[list[str], str]]) -> None:
        self._rules = Map([Rule(_plain(rule), endpoint=rule, methods=methods) for methods, rule in rules])
        self._adapter = self._rules.bind("localhost")

    def name(self, exchange: Exchange, minting: Minting) -> str:
        """For example ``POST /api/agents/<agent_id>/heartbeat``."""
        method, path = exchange.request.method, unquote(exchange.request.path)
        rule = self._match(method, path)
        if rule is not None:
            return f"{method} {rule}"
        if exchange.operation is not None:
            return exchange.operation
        segments = ["<id>" if minting.is_minted(segment) else segment for segment in path.split("/")]
        return f"{method} {fold_path('/'.join(segments))}"

    def _match(self, method: str, path: str) -> str | None:
        for tried in (method, *({"GET", "POST", "PUT", "PATCH", "DELETE"} if method == "OPTIONS" else ())):
            try:
                rule, _ = self._adapter.match(path, method=tried, return_rule=True)
            except (HTTPException, RequestRedirect):
                continue
            return _CONVERTER.sub(r"<\1>", str(rule.endpoint))
        return None


def _plain(rule: str) -> str:
    """``rule`` without its own converters, which only its application knows."""
    kept = _PATH_CONVERTER.sub(r"<path!\1>", rule)
    return _CONVERTER.sub(r"<\1>", kept).replace("<path!", "<path:")
