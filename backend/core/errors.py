"""One way for services to refuse, and one way for blueprints to answer when something fails."""

from typing import Any

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from backend.core.database_errors import StatementRefusedError, UnsupportedValueError


class RequestRefusedError(Exception):
    """A request that is understood but not carried out; `body` is the JSON that says why."""

    def __init__(self, status_code: int, error: str | None = None, **details: Any) -> None:
        super().__init__(error)
        self.status_code = status_code
        self.body = details if error is None else {"error": error, **details}


class InvalidBodyError(RequestRefusedError):
    """A body that its schema rejects; `messages` maps each field to its complaints."""

    def __init__(self, messages: dict[str, Any]) -> None:
        super().__init__(400, "Validation failed", details=messages)
        self.messages = messages


def answer_errors(blueprint: Blueprint) -> None:
    """Let `blueprint` answer refusals with their own body and anything unexpected as `500 {"error": text}`.

    HTTP errors (400, 413, 415, ...) stay the framework's HTML pages.
    """
    blueprint.register_error_handler(RequestRefusedError, _answer_refusal)
    blueprint.register_error_handler(HTTPException, _answer_with_page)
    blueprint.register_error_handler(Exception, _answer_failure)


def describe(error: Exception) -> str:
    """The text of an error as callers get to see it."""
    if isinstance(error, PoolTimeout):
        return "Failed getting connection; pool exhausted"
    return str(error)


def _answer_refusal(refusal: RequestRefusedError) -> ResponseReturnValue:
    return jsonify(refusal.body), refusal.status_code


def _answer_with_page(error: HTTPException) -> HTTPException:
    return error


def _answer_failure(error: Exception) -> ResponseReturnValue:
    expected = isinstance(error, StatementRefusedError | UnsupportedValueError)
    current_app.logger.error("request failed", exc_info=None if expected else error, extra={"error": describe(error)})
    return jsonify(error=describe(error)), 500
