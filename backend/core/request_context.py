"""Which request this thread works for: what every log record of it tells."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

#: Where the proxy, which knows nothing of this side, says who serves a request and by which rule (None: by none).
OWNER = "cutover.owner"
ROUTE = "cutover.route"
#: Where whoever observes a request first leaves its id: for the proxy, and so that nobody observes it again.
REQUEST_ID = "cutover.request_id"
NATIVE = "native"


@dataclass(slots=True, eq=False)
class CurrentRequest:
    """A request under way; one is made for each, so it is not frozen, which would cost as much as all the rest."""

    request_id: str
    domain: str
    environ: dict[str, Any]


current_request: ContextVar[CurrentRequest | None] = ContextVar("current_request", default=None)


def carried(work: Callable[P, T]) -> Callable[P, T]:
    """`work` for another thread, where it counts as work for the request at hand.

    Nothing else goes along: neither Flask's contexts nor the database's session belong to two threads.
    """
    request = current_request.get()

    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        before = current_request.set(request)
        try:
            return work(*args, **kwargs)
        finally:
            current_request.reset(before)

    return run


def owner_of(environ: dict[str, Any]) -> str:
    """The side that serves a request: `native` where there is no proxy."""
    owner: str = environ.get(OWNER, NATIVE)
    return owner


def route_of(environ: dict[str, Any]) -> str | None:
    """The rule of a request as far as it is known by now, e.g. `/api/agents/<agent_id>/config`; never its path."""
    route: str | None = environ.get(ROUTE)
    if route is None and environ.get(OWNER, NATIVE) == NATIVE:
        # Werkzeug leaves its request here.
        rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
        return rule.rule if rule is not None else None
    return route
