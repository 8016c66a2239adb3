"""Reading HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/) from browsers, mitmproxy and ``cutover record``.

Extensions understood: ``postData._encoding: base64`` for bodies that are not UTF-8; ``_truncated`` with ``_size`` and
``_sha256``, in ``postData`` (see :mod:`migration.recording.truncated`) and in ``content``, for bodies that were cut;
``_index``, the order in which requests began; ``comment`` as label; response status 0 for "no answer".
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlsplit

from migration.recording.errors import RecordingError
from migration.recording.exchange import Exchange, Headers, Recording, Request, Response, header
from migration.recording.sidecar import read_sidecar
from migration.recording.truncated import restore_body

#: HTTP/2 pseudo headers, which browsers list among the others.
_PSEUDO_PREFIX = ":"


def read_recording(path: Path | str, rows_file: Path | None = None) -> Recording:
    """Read one HAR file and, if there is one, the sidecar beside it.

    ``rows_file`` overrides where the sidecar's seeds are looked up. Raises :class:`RecordingError` when the file is
    missing, is not HAR, or holds an entry that can't be understood (the text names the entry).
    """
    path = Path(path)
    entries = _entries(path)
    sidecar = read_sidecar(path, rows_file)
    exchanges = []
    for index, entry in enumerate(entries):
        if _is_websocket(entry):
            continue
        try:
            exchanges.append(_exchange(path.stem, index, entry, sidecar.operations.get(index)))
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
            raise RecordingError(f"{path}: entry {index} is not a HAR entry ({_reason(error)}).") from error
    if not exchanges:
        raise RecordingError(f"{path} holds no exchange.")
    return Recording(path.stem, path, tuple(exchanges), sidecar.seeds, sidecar.rows_file)


def _entries(path: Path) -> list[Any]:
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise RecordingError(f"{path} can't be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise RecordingError(f"{path} is not a HAR file: it is not JSON ({error}).") from error
    log = document.get("log") if isinstance(document, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(entries, list):
        raise RecordingError(f"{path} is not a HAR file: there is no list log.entries.")
    if all(isinstance(entry, dict) and isinstance(entry.get("_index"), int) for entry in entries):
        entries.sort(key=lambda entry: entry["_index"])
    return entries


def _reason(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _is_websocket(entry: Any) -> bool:
    return isinstance(entry, dict) and (entry.get("_resourceType") == "websocket" or "_webSocketMessages" in entry)


def _exchange(recording: str, index: int, entry: dict[str, Any], operation: str | None) -> Exchange:
    return Exchange(
        recording=recording,
        index=index,
        started=_moment(entry["startedDateTime"]),
        request=_request(entry["request"]),
        response=_response(entry["response"], float(entry.get("time") or 0.0)),
        label=str(entry.get("comment") or ""),
        operation=operation,
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _request(raw: dict[str, Any]) -> Request:
    url = raw["url"]
    if not urlsplit(url).netloc:
        raise ValueError(f"the URL {url!r} has no host")
    headers = _without_own_host(_headers(raw.get("headers") or []), url)
    if header(headers, "cookie") is None and raw.get("cookies"):
        cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in raw["cookies"])
        headers = (*headers, ("Cookie", cookies))
    body = _request_body(raw.get("postData") or {}, header(headers, "content-type", "") or "")
    return Request(str(raw["method"]).upper(), raw_target(url), headers, body)


def raw_target(url: str) -> str:
    """Path and query of ``url`` exactly as written: no decoding, no normalising."""
    after_host = url.split("://", 1)[-1].split("#", 1)[0]
    cut = min((at for at in (after_host.find("/"), after_host.find("?")) if at >= 0), default=len(after_host))
    target = after_host[cut:]
    return target if target.startswith("/") else "/" + target


def _headers(raw: list[dict[str, str]]) -> Headers:
    return tuple((h["name"], h["value"]) for h in raw if not h["name"].startswith(_PSEUDO_PREFIX))


def _without_own_host(headers: Headers, url: str) -> Headers:
    """Without the ``Host`` that says what the URL says; one that names another host was the caller's own doing."""
    own = urlsplit(url).netloc.rpartition("@")[2]
    return tuple(
        (name, value) for name, value in headers if name.lower() != "host" or _host_name(value) != _host_name(own)
    )


def _host_name(host: str) -> str:
    """A name without its port; callers may have sent anything."""
    return re.sub(r":\d*$", "", host.strip().lower())


def _request_body(post: dict[str, Any], content_type: str) -> bytes:
    if post.get("_truncated"):
        return restore_body(post, content_type)
    text = post.get("text")
    if text:
        return base64.b64decode(text, validate=True) if post.get("_encoding") == "base64" else text.encode()
    if post.get("params") and "multipart" not in str(post.get("mimeType", "")):
        pairs = ((p["name"], p.get("value") or "") for p in post["params"])
        return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs).encode()
    return b""


def _response(raw: dict[str, Any], elapsed_ms: float) -> Response | None:
    status = int(raw["status"])
    if status <= 0:
        return None
    content = raw.get("content") or {}
    if content.get("_truncated"):
        digest = str(content["_sha256"])
        return Response(status, _headers(raw.get("headers") or []), b"", elapsed_ms, digest)
    text = content.get("text") or ""
    body = base64.b64decode(text, validate=True) if content.get("encoding") == "base64" else text.encode()
    return Response(status, _headers(raw.get("headers") or []), body, elapsed_ms)
