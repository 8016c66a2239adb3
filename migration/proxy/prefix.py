"""Redirects of an upstream that does not know below which path prefix it is reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from migration.proxy.headers import HeaderList

#: Where whoever took a prefix off the request's path has left it.
PREFIX = "cutover.prefix"


def prefixed_locations(headers: HeaderList, environ: Mapping[str, Any]) -> HeaderList:
    """``headers`` of an answer to the request ``environ``; redirects to the same server lead below its prefix."""
    prefix = environ.get(PREFIX)
    if not prefix:
        return headers
    host = environ.get("HTTP_HOST", "")
    return [
        (name, _below(prefix, value, host) if name.lower() in ("location", "content-location") else value)
        for name, value in headers
    ]


def _below(prefix: str, location: str, host: str) -> str:
    if location.startswith("/") and not location.startswith("//"):
        return f"{prefix}{location}"
    try:
        parts = urlsplit(location)
    except ValueError:
        return location
    if parts.netloc and parts.netloc == host:
        return parts._replace(path=f"{prefix}{parts.path}").geturl()
    return location
