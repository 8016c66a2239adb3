"""Cross-origin headers for any origin, on every response, errors included."""

from flask import Flask, Response, request

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


def install_cors(app: Flask) -> None:
    """Add the headers to everything `app` answers. Credentials are never allowed."""
    app.after_request(_allow_origin)


def _allow_origin(response: Response) -> Response:
    origin = request.headers.get("Origin")
    response.headers["Access-Control-Allow-Origin"] = origin or "*"
    if origin:
        response.vary.add("Origin")
    if request.method == "OPTIONS" and request.headers.get("Access-Control-Request-Method", "").upper() in METHODS:
        _answer_preflight(response)
    return response


def _answer_preflight(response: Response) -> None:
    wanted = request.headers.get("Access-Control-Request-Headers")
    if wanted:
        response.headers["Access-Control-Allow-Headers"] = ", ".join(sorted(name.strip() for name in wanted.split(",")))
    response.headers["Access-Control-Allow-Methods"] = ", ".join(METHODS)
