"""Which headers a proxy passes on, and those that it adds (RFC 9110 section 7.6, RFC 7239)."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterable
from typing import Any

HeaderList = list[tuple[str, str]]

#: They belong to one connection, not to the message.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
FORWARDED = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto"})
#: Every proxy adds an element to these; of the others the first proxy's value stands.
_CHAINS = frozenset({"X-Forwarded-For", "Forwarded"})
#: Written anew for each request. The server that runs the proxy has answered ``Expect: 100-continue`` itself.
_REWRITTEN = FORWARDED | {"host", "content-length", "expect"}
_NOT_FORWARDED = HOP_BY_HOP | _REWRITTEN
#: What a ``Connection`` header may name without any more headers being dropped for it.
_CONNECTION_OPTIONS = HOP_BY_HOP | {"close"}


def received_headers(environ: dict[str, Any], response: Any) -> HeaderList:
    """The client's headers, as close to what it sent as the server allows.

    WSGI folds repeated headers into one and forgets their order; joined by commas, two ``Cookie`` headers can't be
    told apart from one strange one. gunicorn's ``response`` object still has the parsed request, with every header in
    its place (names in capitals). Elsewhere the environ has to do.
    """
    request = getattr(response, "req", None)
    headers = getattr(request, "headers", None)
    if isinstance(headers, list):
        return headers
    folded = [
        (key[5:].replace("_", "-"), value)
        for key, value in environ.items()
        if key.startswith("HTTP_") and isinstance(value, str)
    ]
    folded += [(name, environ[key]) for key, name in _CONTENT_HEADERS.items() if environ.get(key)]
    return folded


_CONTENT_HEADERS = {"CONTENT_TYPE": "Content-Type", "CONTENT_LENGTH": "Content-Length"}


def end_to_end(headers: Iterable[tuple[str, str]], dropped: frozenset[str] = HOP_BY_HOP) -> HeaderList:
    """``headers`` less those in ``dropped`` (names in lower case), and less those that ``Connection`` names."""
    kept = []
    named: frozenset[str] = frozenset()
    for pair in headers:
        lower = _lower(pair[0])
        if lower not in dropped:
            kept.append(pair)
        elif lower == "connection":
            named |= connection_options(pair[1])
    if not named <= _CONNECTION_OPTIONS:
        kept = [pair for pair in kept if _lower(pair[0]) not in named]
    return kept


def request_headers(headers: Iterable[tuple[str, str]]) -> HeaderList:
    """The client's headers that are passed on as they are."""
    return [(conventional_name(name), value) for name, value in end_to_end(headers, _NOT_FORWARDED)]


@functools.lru_cache(maxsize=256)
def connection_options(value: str) -> frozenset[str]:
    """The tokens of a ``Connection`` header, in lower case."""
    return frozenset(token.strip().lower() for token in value.split(",") if token.strip())


def forwarded_headers(environ: dict[str, Any], headers: Iterable[tuple[str, str]], trusted_hops: int) -> HeaderList:
    """``X-Forwarded-*`` and ``Forwarded`` for the upstream.

    What the client claims in them is dropped, except for the last ``trusted_hops`` entries: those were written by
    proxies that are trusted.
    """
    peer = environ.get("REMOTE_ADDR") or "unknown"
    scheme = environ.get("wsgi.url_scheme", "http")
    seen = _seen_here(peer, scheme, environ.get("HTTP_HOST", ""), environ.get("SERVER_PORT", ""))
    if not trusted_hops:
        return list(seen)
    claimed = _claimed(headers)
    merged = []
    for name, value in seen:
        values = claimed.get(name.lower(), [])[-trusted_hops:]
        if name in _CHAINS:
            value = ", ".join([*values, value])
        elif values:
            value = values[0]  # what the farthest trusted proxy saw
        merged.append((name, value))
    return merged


@functools.lru_cache(maxsize=1024)
def _seen_here(peer: str, scheme: str, host: str, port: str) -> tuple[tuple[str, str], ...]:
    """The headers as this proxy alone would write them."""
    element = f"for={_node(peer)};proto={scheme}" + (f";host={_quoted(host)}" if host else "")
    made = (
        ("X-Forwarded-For", peer),
        ("X-Forwarded-Proto", scheme),
        ("X-Forwarded-Host", host),
        ("X-Forwarded-Port", port),
        ("Forwarded", element),
    )
    return tuple((name, value) for name, value in made if value)


def _claimed(headers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    claimed: dict[str, list[str]] = {}
    for name, value in headers:
        lower = _lower(name)
        if lower in FORWARDED:
            claimed.setdefault(lower, []).extend(part.strip() for part in value.split(",") if part.strip())
    return claimed


def _node(address: str) -> str:
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return _quoted(address)
    return address if version == 4 else f'"[{address}]"'


def _quoted(text: str) -> str:
    if text.replace(".", "").replace("-", "").isalnum():
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@functools.lru_cache(maxsize=1024)
def _lower(name: str) -> str:
    return name.lower()


@functools.lru_cache(maxsize=1024)
def conventional_name(name: str) -> str:
    return name.title() if name.isupper() else name
