"""Cross-origin headers for the origins that a domain names; preflights of others are refused in words."""

import re
from dataclasses import dataclass
from functools import cached_property

from flask import Flask, Response, request

ALL_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
#: Any page may send these without asking.
SAFE_HEADERS = frozenset(("Accept", "Accept-Language", "Content-Language", "Content-Type"))
ANY = ("*",)


@dataclass(frozen=True)
class Origins:
    """Whose pages may call, and how.

    `allowed` are origins such as `https://app.example`; in each a `*` stands for any text within a host name or for
    any port (`http://localhost:*`). `("*",)` is everybody, for `methods` and `headers` too. `max_age` is how many
    seconds a browser may remember a preflight.
    """

    allowed: tuple[str, ...]
    methods: tuple[str, ...] = ("GET",)
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    credentials: bool = False
    max_age: int = 600

    @property
    def everybody(self) -> bool:
        """Whether the origin makes no difference."""
        return self.allowed == ANY

    @cached_property
    def known_methods(self) -> tuple[str, ...]:
        """The methods, each by its name."""
        return ALL_METHODS if self.methods == ANY else self.methods

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(re.escape(origin).replace(r"\*", r"[^/?#@\s]*")) for origin in self.allowed)

    @cached_property
    def _known_headers(self) -> frozenset[str]:
        return frozenset(name.lower() for name in (*SAFE_HEADERS, *self.headers))

    def lets_in(self, origin: str) -> bool:
        """Whether pages of `origin` may call."""
        return self.everybody or any(pattern.fullmatch(origin) for pattern in self._patterns)

    def knows(self, headers: str) -> bool:
        """Whether each of the `headers`, a list with commas, may be sent."""
        return self.headers == ANY or all(name.strip().lower() in self._known_headers for name in headers.split(","))


def install_origins(app: Flask, origins: Origins) -> None:
    """Answer preflights, and add the headers to everything else that has an `Origin`, except failures (500)."""
    app.before_request(lambda: _answer_preflight(origins))
    app.after_request(lambda answer: _add_headers(answer, origins))


def _answer_preflight(origins: Origins) -> Response | None:
    if not _is_preflight():
        return None
    origin = request.headers["Origin"]
    wanted = request.headers.get("Access-Control-Request-Headers")
    refused = [
        part
        for part, fits in (
            ("origin", origins.lets_in(origin)),
            ("method", request.headers["Access-Control-Request-Method"] in origins.known_methods),
            ("headers", wanted is None or origins.knows(wanted)),
        )
        if not fits
    ]
    answer = Response(f"Disallowed CORS {', '.join(refused)}" if refused else "OK", 400 if refused else 200)
    answer.content_type = "text/plain; charset=utf-8"
    if not origins.everybody or origins.credentials:
        answer.headers["Vary"] = "Origin"
        if "origin" not in refused:
            answer.headers["Access-Control-Allow-Origin"] = origin
    else:
        answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Access-Control-Allow-Methods"] = ", ".join(origins.known_methods)
    answer.headers["Access-Control-Max-Age"] = str(origins.max_age)
    if origins.headers != ANY:
        answer.headers["Access-Control-Allow-Headers"] = ", ".join(sorted(SAFE_HEADERS | set(origins.headers)))
    elif wanted is not None:
        answer.headers["Access-Control-Allow-Headers"] = wanted
    if origins.credentials:
        answer.headers["Access-Control-Allow-Credentials"] = "true"
    return answer


def _is_preflight() -> bool:
    headers = request.headers
    return request.method == "OPTIONS" and "Origin" in headers and "Access-Control-Request-Method" in headers


def _add_headers(answer: Response, origins: Origins) -> Response:
    origin = request.headers.get("Origin")
    if origin is None or _is_preflight() or is_failure(answer):
        return answer
    if origins.everybody:
        answer.headers["Access-Control-Allow-Origin"] = "*"
    if (not origins.everybody and origins.lets_in(origin)) or (origins.everybody and "Cookie" in request.headers):
        answer.headers["Access-Control-Allow-Origin"] = origin
        answer.vary.add("Origin")
    if origins.credentials:
        answer.headers["Access-Control-Allow-Credentials"] = "true"
    if origins.exposed:
        answer.headers["Access-Control-Expose-Headers"] = ", ".join(origins.exposed)
    return answer


class FailureResponse(Response):
    """The answer to a request on which this system failed: it gets no headers of any kind."""


def is_failure(answer: Response) -> bool:
    """Whether `answer` stands for a failure that nothing foresaw."""
    return isinstance(answer, FailureResponse)
