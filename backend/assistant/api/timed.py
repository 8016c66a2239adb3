"""Services that reckon with the time are told it once: all of a request happens at one moment."""

from collections.abc import Callable
from typing import Any

from backend.core.clock import utc_now
from backend.core.session import Session


def now(run: Callable[..., Any]) -> Callable[..., Any]:
    """`run(session, at, **parameters)`, told the moment (UTC, naive) at which it is called."""

    def running(session: Session, **parameters: Any) -> Any:
        return run(session, utc_now(), **parameters)

    return running
