"""The headers that callers act on. Accidents of transport (Date, Server, Connection, lengths, case) are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from migration.compare.context import Context
from migration.compare.scalars import reconcile_scalar
from migration.compare.verdict import MISSING, Difference, Kind
from migration.recording.exchange import Headers

#: Compared as they are, up to bindings and times.
_PLAIN = {
    "content-type",
    "content-disposition",
    "content-language",
    "content-range",
    "location",
    "cache-control",
    "pragma",
    "expires",
    "etag",
    "last-modified",
    "www-authenticate",
    "proxy-authenticate",
    "retry-after",
    "link",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-max-age",
}
#: Lists whose order and case mean nothing.
_SETS = {
    "allow",
    "vary",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-expose-headers",
}
_MOST_COOKIES = 100


def compare_headers(control: Headers, candidate: Headers, context: Context) -> Iterator[Difference]:
    """Differences in the headers that matter; cookies one by one, as ``header.set-cookie.<name>``."""
    ours, theirs = _collect(control), _collect(candidate)
    for name in sorted(ours.keys() | theirs.keys()):
        location = f"header.{name}"
        our_value, their_value = ours.get(name), theirs.get(name)
        if our_value is None or their_value is None:
            yield Difference(location, Kind.HEADER, our_value or MISSING, their_value or MISSING)
        elif not _same(name, our_value, their_value, location, context):
            kind, detail = context.verdicts.get(location, (Kind.HEADER, ""))
            yield Difference(location, kind, our_value, their_value, detail)


def _collect(headers: Headers) -> dict[str, str]:
    collected: dict[str, list[str]] = {}
    cookies = 0
    for name, value in headers:
        name = name.lower()
        if name == "set-cookie" and cookies < _MOST_COOKIES:
            cookies += 1
            collected[f"set-cookie.{value.partition('=')[0].strip()}"] = [value]
        elif name in _PLAIN or name in _SETS:
            collected.setdefault(name, []).append(value)
    return {name: ", ".join(values) for name, values in collected.items()}


def _same(name: str, control: str, candidate: str, location: str, context: Context) -> bool:
    if name in _SETS:
        return _members(control) == _members(candidate)
    if name == "content-type":
        return _media_type(control) == _media_type(candidate)
    if name == "location":
        control, candidate = _path_of(control), _path_of(candidate)
    return bool(reconcile_scalar(control, candidate, location, context) == control)


def _members(value: str) -> set[str]:
    return {member.strip().lower() for member in value.split(",")}


def _media_type(value: str) -> list[str]:
    media_type, *parameters = [part.strip() for part in value.split(";")]
    named = sorted(parameter.replace('"', "").lower() for parameter in parameters)
    return [media_type.lower(), *(parameter for parameter in named if not parameter.startswith("boundary="))]


def _path_of(location: str) -> str:
    """A redirect to one's own host is the same on both sides, though the hosts differ."""
    return re.sub(r"^https?://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?", "", location)
