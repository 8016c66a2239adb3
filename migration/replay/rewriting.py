"""Making of a recorded request the one that a side is sent now: its identifiers, its times, its length."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from migration.compare.bindings import Bindings
from migration.compare.scalars import singular
from migration.compare.times import shift_time
from migration.compare.values import has_times, replace_times
from migration.recording.exchange import Headers, Request

#: Set by the client that sends, or meant for one connection only.
_NOT_REPLAYED = {
    "connection",
    "content-length",
    "transfer-encoding",
    "keep-alive",
    "proxy-connection",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "accept-encoding",
}
#: Bodies above this are sent as they are: uploads, not messages.
_LONGEST_REWRITTEN = 4 << 20
_ID_MEMBER = re.compile(r'("(?P<key>[A-Za-z_]*(?:[a-z]I[dD]|id|_id))"\s*:\s*)(?P<number>\d+)(?![\w.-])')
_ID_PARAMETER = re.compile(r"(?P<head>(?:^|(?<=&))(?P<key>[A-Za-z_]*(?:[a-z]I[dD]|id|_id))=)(?P<number>\d+)(?![\w.%-])")


def shift_times(request: Request, recorded: datetime, now: datetime) -> Request:
    """``request`` with the times in its query and body as far from now as they were from ``recorded``."""

    def shift(text: str) -> str:
        return replace_times(text, lambda time: shift_time(time, recorded, now)) if has_times(text) else text

    query = request.query
    target = request.target if query is None else f"{request.path}?{shift(query)}"
    return Request(request.method, target, request.headers, _rewrite_body(request.body, shift))


def translate(request: Request, bindings: Bindings) -> Request:
    """``request`` as the other side must be asked: control's values replaced by what they are bound to."""
    if not len(bindings):
        return request
    target = bindings.translate(request.target)
    headers = tuple((name, bindings.translate(value)) for name, value in request.headers)
    body = _rewrite_body(request.body, bindings.translate)
    if bindings.has_numbers:
        path, mark, query = target.partition("?")
        target = _number_path(path, bindings) + mark + _number_parameters(query, bindings)
        if "json" in request.content_type:
            body = _rewrite_body(body, lambda text: _number_members(text, request.path, bindings))
        elif "urlencoded" in request.content_type:
            body = _rewrite_body(body, lambda text: _number_parameters(text, bindings))
    return Request(request.method, target, headers, body)


def _rewrite_body(body: bytes, rewrite: Callable[[str], str]) -> bytes:
    """Text bodies rewritten in place, so that all that isn't replaced stays byte for byte."""
    if not body or len(body) > _LONGEST_REWRITTEN:
        return body
    try:
        return rewrite(body.decode()).encode()
    except UnicodeDecodeError:
        return body


def _number_path(path: str, bindings: Bindings) -> str:
    """``/orders/17`` with order 17's number on the other side."""
    segments = path.split("/")
    for at in range(1, len(segments)):
        if segments[at].isdigit():
            bound = bindings.translate_number(singular(segments[at - 1]), int(segments[at]))
            segments[at] = segments[at] if bound is None else str(bound)
    return "/".join(segments)


def _noun(path: str) -> str:
    names = [segment for segment in path.split("/") if segment and not segment.isdigit()]
    return singular(names[-1]) if names else ""


def _scope(key: str, path: str) -> str:
    return singular(re.sub(r"_?[iI][dD]$", "", key)) or _noun(path)


def _number_members(text: str, path: str, bindings: Bindings) -> str:
    def replace(match: re.Match[str]) -> str:
        bound = bindings.translate_number(_scope(match["key"], path), int(match["number"]))
        return match.group() if bound is None else f"{match[1]}{bound}"

    return _ID_MEMBER.sub(replace, text)


def _number_parameters(text: str, bindings: Bindings) -> str:
    def replace(match: re.Match[str]) -> str:
        bound = bindings.translate_number(_scope(match["key"], ""), int(match["number"]))
        return match.group() if bound is None else f"{match['head']}{bound}"

    return _ID_PARAMETER.sub(replace, text)


def headers_to_send(headers: Headers) -> Headers:
    """The recorded headers that are sent again. Bodies are asked for unpacked, so that they can be compared."""
    kept = tuple((name, value) for name, value in headers if name.lower() not in _NOT_REPLAYED)
    return (*kept, ("Accept-Encoding", "identity"))
