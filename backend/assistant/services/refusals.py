"""How services of the tools refuse: one wording for what is not there, does not fit, or stands in the way."""

from typing import Any

from backend.core.complaints import Complaint
from backend.core.errors import InvalidRequestError, RequestRefusedError


def absent(what: str, identifier: object) -> RequestRefusedError:
    """404: there is no such thing."""
    return RequestRefusedError(404, f"There is no {what} {identifier}.")


def conflict(text: str) -> RequestRefusedError:
    """409: the state of things does not allow it; `text` says why, and what to do."""
    return RequestRefusedError(409, text)


def unfit(parameter: str, text: str, given: Any) -> InvalidRequestError:
    """422: a parameter that is well-formed but makes no sense beside the others, or beside what is stored."""
    place = ("body", "parameters", parameter)
    return InvalidRequestError([Complaint("value_error", f"Value error, {text}", given, {"error": {}}, place)])
