"""Cross-origin headers for any origin, on every response, errors included."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask
from werkzeug.datastructures import Headers, HeaderSet

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


def install_cors(app: Flask) -> None:
    """Add the headers to everything `app` answers. Credentials are never allowed."""
    app.wsgi_app = CrossOrigin(app.wsgi_app)  # type: ignore[method-assign]


class CrossOrigin:
    """WSGI middleware that adds the headers."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        origin = environ.get("HTTP_ORIGIN")

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            headers = [*headers, ("Access-Control-Allow-Origin", origin or "*")]
            if origin:
                headers = _varying(headers)
            if environ["REQUEST_METHOD"] == "OPTIONS":
                headers += _preflight(environ)
            return start_response(status, headers, *exc_info)

        return self.app(environ, start)


def _varying(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The answer depends on the origin, beside what it depends on already."""
    changed = Headers(headers)
    vary = HeaderSet(value.strip() for value in ",".join(changed.getlist("Vary")).split(",") if value.strip())
    vary.add("Origin")
    changed["Vary"] = vary.to_header()
    return list(changed)


def _preflight(environ: dict[str, Any]) -> list[tuple[str, str]]:
    """What is allowed, where a preflight asks for it."""
    if environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD", "").upper() not in METHODS:
        return []
    wanted = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS")
    allowed = [("Access-Control-Allow-Methods", ", ".join(METHODS))]
    if wanted:
        names = ", ".join(sorted(name.strip() for name in wanted.split(",")))
        allowed.append(("Access-Control-Allow-Headers", names))
    return allowed
