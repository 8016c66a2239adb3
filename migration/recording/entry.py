"""One exchange as an entry of a HAR file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from migration.recording.capture import CapturedBody
from migration.recording.exchange import Headers, header
from migration.recording.redaction import Redactor


@dataclass(frozen=True, slots=True)
class Captured:
    """What a recorder saw of one exchange. ``status`` is 0, and ``comment`` says why, where there is no answer."""

    index: int
    started: datetime
    elapsed_ms: float
    method: str
    url: str
    http_version: str
    request_headers: Headers
    request_body: CapturedBody
    status: int
    reason: str = ""
    response_headers: Headers = ()
    response_body: CapturedBody | None = None
    comment: str = ""


def har_entry(captured: Captured, redactor: Redactor | None) -> dict[str, Any]:
    """The HAR entry of ``captured``, with its secrets replaced by ``redactor``."""
    url, request_headers, response_headers = captured.url, captured.request_headers, captured.response_headers
    if redactor is not None:
        # In the order of the exchange: what the request gives away is then known when the answer is looked at.
        request_headers = redactor.headers(request_headers)
        url = redactor.url(url)
    request: dict[str, Any] = {
        "method": captured.method,
        "url": url,
        "httpVersion": captured.http_version,
        "cookies": [],
        "headers": _pairs(request_headers),
        "queryString": _pairs(tuple(parse_qsl(urlsplit(url).query, keep_blank_values=True))),
        "headersSize": -1,
        "bodySize": captured.request_body.size,
    }
    if captured.request_body.size:
        request["postData"] = _post_data(captured.request_body, header(request_headers, "content-type") or "", redactor)
    content = _content(captured.response_body, response_headers, redactor)
    if redactor is not None:
        response_headers = redactor.headers(response_headers)
    entry = {
        "_index": captured.index,
        "startedDateTime": captured.started.isoformat(timespec="milliseconds"),
        "time": round(captured.elapsed_ms, 3),
        "request": request,
        "response": {
            "status": captured.status,
            "statusText": captured.reason,
            "httpVersion": captured.http_version,
            "cookies": [],
            "headers": _pairs(response_headers),
            "content": content,
            "redirectURL": header(response_headers, "location") or "",
            "headersSize": -1,
            "bodySize": captured.response_body.size if captured.response_body else -1,
        },
        "cache": {},
        "timings": {"send": 0, "wait": round(captured.elapsed_ms, 3), "receive": 0},
    }
    return entry | ({"comment": captured.comment} if captured.comment else {})


def _post_data(body: CapturedBody, mime_type: str, redactor: Redactor | None) -> dict[str, Any]:
    text = body.text()
    if text is None:
        return {"mimeType": mime_type, "text": body.base64(), "_encoding": "base64", **body.truncation()}
    return {"mimeType": mime_type, "text": _redacted(text, mime_type, redactor), **body.truncation()}


def _content(body: CapturedBody | None, headers: Headers, redactor: Redactor | None) -> dict[str, Any]:
    mime_type = header(headers, "content-type") or ""
    if body is None or not body.size:
        return {"size": 0, "mimeType": mime_type, "text": ""}
    content = {"size": body.size, "mimeType": mime_type, **body.truncation()}
    text = body.text(header(headers, "content-encoding") or "")
    if text is None:
        return content | {"text": body.base64(), "encoding": "base64"}
    return content | {"text": _redacted(text, mime_type, redactor)}


def _redacted(text: str, mime_type: str, redactor: Redactor | None) -> str:
    return redactor.text(text, mime_type.lower()) if redactor else text


def _pairs(pairs: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]
