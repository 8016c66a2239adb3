"""One way for services to refuse, and one way for blueprints to answer when something fails."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Flask, current_app, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from backend.core.complaints import Complaint
from backend.core.database_errors import StatementRefusedError, UnsupportedValueError

# Columns, values and locks: what database errors of these numbers tell is what the caller sent.
ABOUT_VALUES = frozenset((1048, 1054, 1062, 1064, 1205, 1213, 1264, 1265, 1292, 1364, 1366, 1406, 1451, 1452, 4025))
# What Python says about a body that is not what a route takes it for, and what this system says itself.
ABOUT_REQUESTS = (
    *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
    *(HTTPException, UnsupportedValueError),
)


class RequestRefusedError(Exception):
    """A request that is understood but not carried out: `error` is the text that says why, or `details` do.

    Services need not know in which shape a domain's callers are told; `body` is the JSON of `answer_errors`.
    `headers`, such as Retry-After, go with any shape.
    """

    headers: Mapping[str, str] = {}

    def __init__(
        self, status_code: int, error: str | None = None, *, headers: Mapping[str, str] | None = None, **details: Any
    ) -> None:
        super().__init__(error)
        self.status_code = status_code
        self.error = error
        self.details = details
        self.body = details if error is None else {"error": error, **details}
        if headers is not None:
            self.headers = headers


class InvalidBodyError(RequestRefusedError):
    """A body that its schema rejects; `messages` maps each field to its complaints."""

    def __init__(self, messages: dict[str, Any]) -> None:
        super().__init__(400, "Validation failed", details=messages)
        self.messages = messages


class InvalidRequestError(RequestRefusedError):
    """Parts of a request that their schemas reject; `complaints` tell all that is wrong, and where."""

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        self.complaints = tuple(complaints)
        super().__init__(422, "Validation failed", details=self.items)

    @property
    def items(self) -> list[dict[str, Any]]:
        """The complaints as clients see them."""
        return [complaint.on_the_wire() for complaint in self.complaints]


def answer_errors(blueprint: Blueprint) -> None:
    """Let `blueprint` answer refusals with their own body and anything unexpected as `500 {"error": text}`.

    HTTP errors (400, 413, 415, ...) stay the framework's HTML pages.
    """
    blueprint.register_error_handler(RequestRefusedError, _answer_refusal)
    blueprint.register_error_handler(HTTPException, _answer_with_page)
    blueprint.register_error_handler(Exception, _answer_failure)


def answer_refusals(app: Flask) -> None:
    """Let `app` answer refusals that no blueprint's handler answers, such as those before a route is known."""
    app.register_error_handler(RequestRefusedError, _answer_refusal)


def describe(error: Exception) -> str:
    """The text of an error as callers get to see it.

    They are told what is wrong with the values they sent. Hosts, statements, tables and files are none of their
    business: whatever may name such things is told in the log only.
    """
    if isinstance(error, PoolTimeout):
        return "Failed getting connection; pool exhausted"
    if isinstance(error, StatementRefusedError):
        return str(error) if error.errno in ABOUT_VALUES else "The database could not carry out the request"
    if isinstance(error, ABOUT_REQUESTS):
        return str(error)
    if isinstance(error, SQLAlchemyError):
        return "The database could not carry out the request"
    return "The server could not carry out the request"


def _answer_refusal(refusal: RequestRefusedError) -> ResponseReturnValue:
    if refusal.status_code >= 500 and refusal.__cause__ is not None:
        log_failure(refusal.__cause__)
    return jsonify(refusal.body), refusal.status_code, dict(refusal.headers)


def _answer_with_page(error: HTTPException) -> HTTPException:
    return error


def _answer_failure(error: Exception) -> ResponseReturnValue:
    log_failure(error)
    return jsonify(error=describe(error)), 500


def log_failure(error: BaseException) -> None:
    """Log what went wrong, with its trace unless the values sent are to blame."""
    expected = isinstance(error, UnsupportedValueError) or getattr(error, "errno", None) in ABOUT_VALUES
    current_app.logger.error("request failed", exc_info=None if expected else error, extra={"error": str(error)})
