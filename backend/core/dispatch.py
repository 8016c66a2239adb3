"""Several WSGI applications behind one door, each at its hosts and path prefixes."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from backend.core.places import Places

StartResponse = Callable[..., Any]
WsgiApp = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

#: Where the prefix is kept that was taken off a request's path, until `Mounted` gives it to the application.
PREFIX = "cutover.prefix"
RAW_TARGETS = ("RAW_URI", "REQUEST_URI")


class Dispatch:
    """Gives each request to the application whose host it names, else to the one whose prefix its path has, else to
    the default one; `operations` are paths at which the default place answers for the whole process.

    A prefix is taken off: the application, and whatever it forwards the request to, sees the path without it.
    `trusted_hops` is how many proxies in front may say which host the client named.
    """

    def __init__(
        self,
        places: Places,
        apps: Mapping[str, WsgiApp],
        operations: Mapping[str, WsgiApp],
        trusted_hops: int = 0,
    ) -> None:
        self._default = apps[places.default]
        self._hosts = {host: apps[domain] for host, domain in places.hosts.items()}
        # A longer prefix is meant where a shorter one fits too.
        self._prefixes = [(prefix, apps[places.prefixes[prefix]]) for prefix in sorted(places.prefixes, reverse=True)]
        self._operations = operations
        self._trusted_hops = trusted_hops

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if self._hosts and (app := self._hosts.get(self._host(environ))) is not None:
            return app(environ, start_response)
        path = environ.get("PATH_INFO", "")
        for prefix, app in self._prefixes:
            if path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/"):
                return app(below(environ, prefix), start_response)
        return self._operations.get(path, self._default)(environ, start_response)

    def _host(self, environ: Mapping[str, Any]) -> str:
        host = environ.get("HTTP_HOST", "")
        if self._trusted_hops:
            seen = [name.strip() for name in environ.get("HTTP_X_FORWARDED_HOST", "").split(",")]
            if len(seen) >= self._trusted_hops and seen[-self._trusted_hops]:
                host = seen[-self._trusted_hops]
        # The port is no part of the name; the colons of an address in brackets are.
        name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
        return name.lower().rstrip(".")


class Mounted:
    """Tells an application below which prefix it was asked, so that the URLs it writes are right."""

    def __init__(self, app: WsgiApp) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        prefix = environ.get(PREFIX)
        if prefix:
            environ = {**environ, "SCRIPT_NAME": environ.get("SCRIPT_NAME", "") + prefix}
        return self._app(environ, start_response)


def below(environ: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The request as it is seen from below `prefix`, with which its path begins."""
    inner = {**environ, PREFIX: prefix, "PATH_INFO": environ["PATH_INFO"][len(prefix) :] or "/"}
    for name in RAW_TARGETS:
        raw = inner.get(name)
        if raw is None:
            continue
        rest = raw[len(prefix) :]
        if raw.startswith(prefix) and (not rest or rest[0] in "/?"):
            inner[name] = rest if rest.startswith("/") else f"/{rest}"
        else:
            # Written in another way, such as with escapes: it has to be made anew from the path.
            del inner[name]
    return inner
