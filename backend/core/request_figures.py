"""How many requests there were and how long they took, by route, never by path."""

from prometheus_client import Counter, Histogram

from backend.core.figures import FIGURES

#: Requests that no rule has the path and method for.
UNKNOWN = "unknown"
OTHER_METHOD = "OTHER"
METHODS = frozenset(("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"))
#: Upper bounds in seconds: most answers take milliseconds, the longest wait for a model or for the monolith.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
#: The connection of a WebSocket is not time that an answer took.
SWITCHING_PROTOCOLS = 101

_REQUESTS = Counter(
    "cutover_http_requests",
    "Requests answered.",
    ["domain", "method", "route", "owner", "status"],
    registry=FIGURES,
)
_SECONDS = Histogram(
    "cutover_http_request_duration_seconds",
    "Time from a request's head to its answer's head.",
    ["domain", "method", "route", "owner"],
    buckets=BUCKETS,
    registry=FIGURES,
)


class RequestFigures:
    """The figures of one domain. Looking up what to count costs one dictionary access, not one for every label."""

    def __init__(self, domain: str) -> None:
        self._domain = domain
        self._known: dict[tuple[str, str | None, str, int], tuple[Counter, Histogram]] = {}

    def count(self, method: str, route: str | None, owner: str, status: int, seconds: float) -> None:
        """Count a request; `route` is the rule that it matched, None if it matched none."""
        try:
            requests, durations = self._known[method, route, owner, status]
        except KeyError:
            requests, durations = self._find(method, route, owner, status)
        requests.inc()
        if status != SWITCHING_PROTOCOLS:
            durations.observe(seconds)

    def _find(self, method: str, route: str | None, owner: str, status: int) -> tuple[Counter, Histogram]:
        shown_method = method if method in METHODS else OTHER_METHOD
        labels = (self._domain, shown_method, route or UNKNOWN, owner)
        found = _REQUESTS.labels(*labels, str(status)), _SECONDS.labels(*labels)
        if shown_method == method:
            self._known[method, route, owner, status] = found
        return found
