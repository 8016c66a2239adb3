"""The proxy's own answers: small JSON objects that say what is wrong with forwarding."""

from __future__ import annotations

import json
import re
from typing import Any

from migration.proxy.errors import ForwardingError

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


def refuse(error: ForwardingError, environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answer with ``{"error": text, "code": code}``, and ``request_id`` where the request has one."""
    answer = {"error": str(error), "code": error.code}
    request_id = environ.get("HTTP_X_REQUEST_ID", "")
    if _REQUEST_ID.fullmatch(request_id):
        answer["request_id"] = request_id
    body = json.dumps(answer).encode() + b"\n"
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    if error.retry_after is not None:
        headers.append(("Retry-After", str(error.retry_after)))
    start_response(error.status, headers)
    return [body]
