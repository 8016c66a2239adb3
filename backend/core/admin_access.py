"""Who counts as an operator: what ADMIN_ACCESS says, or the server's sockets when it says nothing.

- `open`: whoever can reach the server.
- `token`: who sends `Authorization: Bearer` with ADMIN_TOKEN.
- `proxy`: whom an authenticating reverse proxy names in ADMIN_PROXY_HEADER. Only the proxy knows ADMIN_PROXY_SECRET,
  which it sends as X-Admin-Proxy-Secret: a caller who goes around the proxy can forge the name but not that. The proxy
  must replace both headers in what it forwards.
- nothing: whoever can reach the server, if only programs on its own machine can.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any

from flask import Flask, request

from backend.core.errors import RequestRefusedError
from backend.core.listeners import Listener, is_loopback, listeners
from backend.core.settings import Settings, SettingsError

EXTENSION = "admin_access"
PROXY_SECRET_HEADER = "X-Admin-Proxy-Secret"  # noqa: S105 (the name of a header)
CHOICES = (
    "Set ADMIN_ACCESS to token (with ADMIN_TOKEN), to proxy (with ADMIN_PROXY_SECRET) or to open, "
    "or listen on 127.0.0.1 only."
)


@dataclass(frozen=True)
class Actor:
    """Who acts. `kind` is open (anybody may), token, proxy, agent or system; `name` tells which one, where known."""

    kind: str
    name: str | None = None
    address: str | None = None
    user_agent: str | None = None

    @classmethod
    def of_request(cls, kind: str, name: str | None = None) -> "Actor":
        """Whoever sent the request at hand."""
        return cls(kind, name, request.remote_addr, request.headers.get("User-Agent", ""))


SYSTEM = Actor("system")


class NotAnOperatorError(RequestRefusedError):
    """The caller may not administrate. `offered` tells whether it tried a token or secret that is wrong."""

    def __init__(self, status_code: int, error: str, *, offered: bool = False, challenge: str = "") -> None:
        super().__init__(status_code, error)
        self.offered = offered
        self.headers = {"WWW-Authenticate": challenge} if challenge else {}


class AdminAccess:
    """Tells operators from others, by the settings it was made with."""

    def __init__(self, settings: Settings) -> None:
        """Raises SettingsError when nobody chose who may administrate, and others can already reach this process."""
        self.settings = settings
        self.unexposed_in: int | None = None
        ways: dict[str | None, Callable[[], Actor]] = {
            "open": lambda: Actor.of_request("open"),
            "token": self._by_token,
            "proxy": self._by_proxy,
            None: self._by_reach,
        }
        self.operator = ways[settings.admin_access]
        if settings.admin_access is None and (listener := self._exposed()) is not None:
            raise SettingsError(_exposure(listener))

    def _by_token(self) -> Actor:
        scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
        if not scheme:
            raise NotAnOperatorError(401, "Missing admin token", challenge="Bearer")
        if scheme.lower() != "bearer" or not _same(token.strip(), self.settings.admin_token):
            raise NotAnOperatorError(401, "Invalid admin token", offered=True, challenge="Bearer")
        return Actor.of_request("token", "admin")

    def _by_proxy(self) -> Actor:
        secret = request.headers.get(PROXY_SECRET_HEADER, "")
        if not secret:
            raise NotAnOperatorError(401, "Administration is reached through the proxy that knows its users")
        if not _same(secret, self.settings.admin_proxy_secret):
            raise NotAnOperatorError(401, "Invalid proxy secret", offered=True)
        user = request.headers.get(self.settings.admin_proxy_header, "").strip()
        if not user:
            raise NotAnOperatorError(401, "The proxy did not say who is calling")
        return Actor.of_request("proxy", user)

    def _by_reach(self) -> Actor:
        listener = self._exposed()
        if listener is not None:
            raise NotAnOperatorError(403, _exposure(listener))
        if self.unexposed_in is None and not _came_by_loopback(request.environ):
            raise NotAnOperatorError(403, f"ADMIN_ACCESS is not set. {CHOICES}")
        return Actor.of_request("open")

    def _exposed(self) -> Listener | None:
        """The first listener that others can reach. A process is asked once it listens; a forked one is asked anew."""
        if self.unexposed_in == os.getpid():
            return None
        found = listeners()
        exposed = next((listener for listener in found if listener.exposed), None)
        self.unexposed_in = os.getpid() if found and exposed is None else None
        return exposed


def install_admin_access(app: Flask) -> None:
    """Let `app` know its operators. Raises SettingsError as AdminAccess does."""
    app.extensions[EXTENSION] = AdminAccess(app.extensions["settings"])


def _same(offered: str, right: str | None) -> bool:
    return compare_digest(offered.encode(), (right or "").encode())


def _exposure(listener: Listener) -> str:
    return f"ADMIN_ACCESS is not set, and others than this machine may reach {listener}. {CHOICES}"


def _came_by_loopback(environ: dict[str, Any]) -> bool:
    """Where no listener is seen, as with a server that accepts in another process: did this request come from here?"""
    original = environ.get("werkzeug.proxy_fix.orig", environ)
    return is_loopback(original.get("REMOTE_ADDR") or "")
