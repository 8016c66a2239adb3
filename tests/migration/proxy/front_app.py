"""The application that the proxy tests run under gunicorn; told by the environment what to forward to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any

from migration.ledger import Ledger
from migration.proxy import Proxy, ProxySettings


def native(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    seen = {key: environ.get(key) for key in ("PATH_INFO", "REMOTE_ADDR", "wsgi.url_scheme", "HTTP_X_FORWARDED_FOR")}
    body = json.dumps({"side": "native", "size": len(environ["wsgi.input"].read()), **seen}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def legacy(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"legacy in this process, from ", environ["REMOTE_ADDR"].encode()]


def upstream() -> Any:
    named = os.environ.get("TEST_UPSTREAM")
    return legacy if named == "in-process" else named or None


application = Proxy(
    native,
    upstream(),
    Ledger(os.environ["CUTOVER_LEDGER_URL"]).reader("test"),
    settings=ProxySettings.from_environ(os.environ),
)
