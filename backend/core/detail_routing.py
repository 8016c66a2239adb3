"""How requests find routes where FastAPI found them before: hosts, methods, and slashes at the end of paths."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, request
from flask.globals import request_ctx
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect, Rule

from backend.core import operations

#: What a `Location` may hold unquoted.
SAFE = ":/%#?=@[]!$&'()*+,;"


class DeclaredRule(Rule):
    """A route that answers the methods it was declared with, and no HEAD besides."""

    def __init__(self, string: str, methods: Iterable[str] | None = None, **options: Any) -> None:
        declared = None if methods is None else {method.upper() for method in methods}
        super().__init__(string, methods=declared, **options)
        if declared is not None:
            self.methods = declared


def declare_methods_exactly(app: Flask) -> None:
    """Let the routes that are added from here on answer HEAD and OPTIONS only where they name them."""
    app.url_rule_class = DeclaredRule  # type: ignore[assignment]
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False


def check_hosts(app: Flask, hosts: Iterable[str]) -> None:
    """Refuse what comes under another name than one of `hosts`, except for operators, who may come by address."""
    known = [re.compile(re.escape(host.lower()).replace(r"\*", ".*")) for host in hosts]

    def check() -> Response | None:
        host = re.sub(r":[0-9]*$", "", request.headers.get("Host", "")).lower()
        if request.path in operations.PATHS or any(pattern.fullmatch(host) for pattern in known):
            return None
        return Response("Invalid host header", 400, content_type="text/plain; charset=utf-8")

    app.before_request(check)


def redirect_slashes(app: Flask) -> None:
    """Send a path that is known only with, or only without, a slash at its end there, whatever the method (307)."""
    app.url_map.merge_slashes = False

    def redirect() -> Response | None:
        trouble = request.routing_exception
        if not isinstance(trouble, RequestRedirect | NotFound) or request.path == "/":
            return None
        other = request.path.rstrip("/") if request.path.endswith("/") else f"{request.path}/"
        return _redirection(other) if _is_known(other) else None

    app.before_request(redirect)


def allow_of(error: MethodNotAllowed) -> str:
    """The methods of the route that was declared first among those which know the path."""
    adapter = request_ctx.url_adapter
    if adapter is None or not error.valid_methods:
        return ", ".join(sorted(error.valid_methods or ()))
    found = {id(adapter.match(method=method, return_rule=True)[0]) for method in error.valid_methods}
    first = next((rule for rule in adapter.map.iter_rules() if id(rule) in found), None)
    return ", ".join(sorted((first and first.methods) or error.valid_methods))


def _is_known(path: str) -> bool:
    adapter = request_ctx.url_adapter
    if adapter is None:
        return False
    try:
        adapter.match(path)
    except MethodNotAllowed:
        return True
    except HTTPException:
        return False
    return True


def _redirection(path: str) -> Response:
    query = request.query_string.decode("latin-1")
    target = f"{request.scheme}://{request.host}{request.root_path}{path}" + (f"?{query}" if query else "")
    answer = Response(b"", 307)
    del answer.headers["Content-Type"]
    answer.headers["Location"] = quote(target, safe=SAFE)
    return answer
