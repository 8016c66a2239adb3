"""What the proxy counts about reaching the upstream, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter

#: The figures of all proxies of this process.
FIGURES = CollectorRegistry()

_FAILURES = Counter(
    "cutover_upstream_failures",
    "Requests that could not be forwarded, or whose answer broke off; kind is the code that the client is told.",
    ["domain", "kind"],
    registry=FIGURES,
)
_RETRIES = Counter(
    "cutover_upstream_retries",
    "Requests sent a second time, as the connection they were sent on had died of idleness.",
    ["domain"],
    registry=FIGURES,
)
_OPENED = Counter(
    "cutover_upstream_connections_opened", "Connections made to the upstream.", ["domain"], registry=FIGURES
)
#: An answer that broke off after its head had been passed on: the client is told by the end of its connection.
BROKEN_ANSWER = "broken_answer"


class ProxyFigures:
    """The counters of one domain."""

    def __init__(self, domain: str) -> None:
        self._domain = domain
        self.retried: Callable[[], None] = _RETRIES.labels(domain).inc
        self.opened: Callable[[], None] = _OPENED.labels(domain).inc

    def failed(self, kind: str) -> None:
        """Count a failure; ``kind`` is a code of :mod:`migration.proxy.errors`."""
        _FAILURES.labels(self._domain, kind).inc()
