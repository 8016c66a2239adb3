"""How routes differ in what they make of a body that cannot be read."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from werkzeug.exceptions import HTTPException

from backend.core.errors import RequestRefusedError


def fails_on_unreadable_body(view: Callable[..., Any]) -> Callable[..., Any]:
    """Answer 500 with the text of the error instead of its page."""

    @wraps(view)
    def failing(*arguments: Any, **path: str) -> Any:
        try:
            return view(*arguments, **path)
        except HTTPException as error:
            raise RequestRefusedError(500, str(error)) from error

    return failing
