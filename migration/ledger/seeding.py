"""Where the ledger's routes come from: a WSGI application's URL map, an OpenAPI file, a recording."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from werkzeug.routing import Map

from migration.ledger.errors import LedgerError
from migration.ledger.folding import fold_path
from migration.ledger.routes import RouteKey, untyped_shape
from migration.targets.loading import load_wsgi

#: Answered without being listed: werkzeug adds them to every rule.
_IMPLIED = frozenset({"HEAD", "OPTIONS"})
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_FILE_SUFFIXES = (".har", ".json", ".yaml", ".yml")
_NOT_A_ROUTE = frozenset({0, 404, 405})


def routes_from(source: str) -> list[RouteKey]:
    """The routes of ``source``: a file (OpenAPI as JSON or YAML, or HAR) or the import path of a WSGI application.

    Raises :class:`LedgerError` or :class:`~migration.targets.loading.TargetError` when there is nothing to read.
    """
    if Path(source).suffix.lower() in _FILE_SUFFIXES:
        keys = _routes_of_document(source, _read_document(Path(source)))
    else:
        keys = routes_of_app(load_wsgi(source), source)
    if not keys:
        raise LedgerError(f"{source} names no route.")
    return keys


def routes_of_app(app: object, name: str) -> list[RouteKey]:
    """The routes of a WSGI application that has a werkzeug ``url_map`` (Flask has one); static files are left out."""
    url_map = getattr(app, "url_map", None)
    if not isinstance(url_map, Map):
        raise LedgerError(
            f"{name} has no url_map, so its routes can't be read. "
            "Name a Flask application, an OpenAPI file or a recording."
        )
    return [
        (method, rule.rule)
        for rule in url_map.iter_rules()
        if rule.endpoint != "static"
        for method in sorted((rule.methods or set(_METHODS)) - _IMPLIED)
    ]


def _read_document(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
        return yaml.safe_load(text) if path.suffix.lower() in (".yaml", ".yml") else json.loads(text)
    except OSError as error:
        raise LedgerError(f"{path} can't be read: {error.strerror}.") from error
    except (ValueError, yaml.YAMLError) as error:
        raise LedgerError(f"{path} is neither JSON nor YAML: {' '.join(str(error).split())}.") from error


def _routes_of_document(source: str, document: Any) -> list[RouteKey]:
    if isinstance(document, dict) and isinstance(document.get("paths"), dict):
        return list(dict.fromkeys(_openapi_routes(document)))
    try:
        return list(dict.fromkeys(_recorded_routes(document["log"]["entries"])))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise LedgerError(f"{source} is neither an OpenAPI document nor a HAR recording.") from error


def _openapi_routes(document: dict[str, Any]) -> Iterator[RouteKey]:
    prefix = _base_path(document)
    for template, item in document["paths"].items():
        rule = prefix + re.sub(r"\{([^{}]+)\}", lambda placeholder: f"<{_identifier(placeholder[1])}>", template)
        for method in item or {}:
            if method.upper() in _METHODS:
                yield method.upper(), rule


def _base_path(document: dict[str, Any]) -> str:
    servers = document.get("servers") or [{}]
    base = document.get("basePath") or urlsplit(str(servers[0].get("url", ""))).path
    return str(base).rstrip("/")


def _identifier(name: str) -> str:
    cleaned = re.sub(r"\W", "_", name)
    return cleaned if cleaned[:1].isalpha() else f"p{cleaned}"


def _recorded_routes(entries: list[dict[str, Any]]) -> Iterator[RouteKey]:
    """Routes that ever answered something else than "no such route"; the paths' ids become placeholders."""
    seen: set[RouteKey] = set()
    for entry in entries:
        request = entry["request"]
        method = str(request["method"]).upper()
        if method in _IMPLIED or int(entry["response"]["status"]) in _NOT_A_ROUTE:
            continue
        rule = fold_path(urlsplit(request["url"]).path or "/")
        if (method, untyped_shape(rule)) not in seen:
            seen.add((method, untyped_shape(rule)))
            yield method, rule
