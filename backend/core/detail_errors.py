"""Answers of the `detail` kind, as FastAPI gives them: one installation for domains whose clients expect these."""

from collections.abc import Iterable
from typing import Any

import marshmallow as ma
from flask import Flask, Response, jsonify
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed

from backend.core.detail_json import DetailJSONProvider
from backend.core.detail_routing import allow_of, check_hosts, declare_methods_exactly, redirect_slashes
from backend.core.errors import InvalidRequestError, RequestRefusedError, log_failure
from backend.core.openapi import FAILURE_SCHEMA
from backend.core.origins import FailureResponse, Origins, install_origins

FAILURE = "Internal Server Error"
#: Members of an answer that tell of its page, not of what happened.
OF_THE_PAGE = frozenset(("content-type", "content-length", "allow"))


ITEM = {
    "type": "object",
    "required": ["type", "loc", "msg", "input"],
    "properties": {
        "type": {"type": "string", "example": "missing"},
        "loc": {"type": "array", "items": {"type": ["string", "integer"]}, "example": ["body", "message"]},
        "msg": {"type": "string", "example": "Field required"},
        "input": {"description": "What was sent at this place"},
        "ctx": {"type": "object"},
        "url": {"type": "string"},
    },
}


class DetailFailure(ma.Schema):
    """Why the request was not carried out; of 422, all that is wrong with it."""

    detail = ma.fields.Raw(
        required=True,
        metadata={"anyOf": [{"type": "string"}, {"type": "object"}, {"type": "array", "items": ITEM}]},
    )


def install_detail_errors(
    app: Flask,
    *,
    hosts: Iterable[str] | None = None,
    origins: Origins | None = None,
    slashes: bool = True,
    head: bool = False,
    error_urls: str | None = None,
) -> None:
    """Let `app` answer refusals as `{"detail": text}`, 422 as `{"detail": [...]}`, and failures as a plain text.

    Install it before the domain's routes. `hosts` are the only names (or `*.patterns`, without ports) under which
    requests may come, other than those of operators. `origins` are whose pages may call. With `slashes` a path that
    is known only with (or without) a slash at its end is redirected there. Without `head` only routes that name HEAD
    and OPTIONS answer them. `error_urls` is the version of pydantic whose pages complaints are to link to.
    """
    app.json = DetailJSONProvider(app)
    app.extensions[FAILURE_SCHEMA] = DetailFailure
    if hosts is not None:
        check_hosts(app, hosts)
    if origins is not None:
        install_origins(app, origins)
    if not head:
        declare_methods_exactly(app)
    if slashes:
        redirect_slashes(app)
    app.register_error_handler(RequestRefusedError, lambda refusal: _answer_refusal(refusal, error_urls))
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(Exception, _answer_failure)


def _answer_refusal(refusal: RequestRefusedError, error_urls: str | None) -> ResponseReturnValue:
    if refusal.status_code >= 500 and refusal.__cause__ is not None:
        log_failure(refusal.__cause__)
    return jsonify(_detailed(refusal, error_urls)), refusal.status_code, dict(refusal.headers)


def _detailed(refusal: RequestRefusedError, error_urls: str | None) -> dict[str, Any]:
    if isinstance(refusal, InvalidRequestError):
        return {"detail": [_linked(item, error_urls) for item in refusal.items]}
    if refusal.error is None:
        return {"detail": refusal.details}
    return {"detail": refusal.error, **refusal.details}


def _linked(item: dict[str, Any], version: str | None) -> dict[str, Any]:
    if version is None or item["type"] == "json_invalid":
        return item
    return {**item, "url": f"https://errors.pydantic.dev/{version}/v/{item['type']}"}


def _answer_http_error(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None:
        return error.response
    if isinstance(error, InternalServerError) and error.original_exception is not None:
        return _answer_failure(error.original_exception)
    said_by_us = error.description is not None and error.description != type(error).description
    answer = jsonify(detail=error.description if said_by_us else error.name)
    for name, value in error.get_headers():
        if name.lower() not in OF_THE_PAGE:
            answer.headers[name] = value
    if isinstance(error, MethodNotAllowed):
        answer.headers["Allow"] = allow_of(error)
    answer.status_code = error.code or 500
    return answer


def _answer_failure(error: BaseException) -> Response:
    log_failure(error)
    return FailureResponse(FAILURE, 500, content_type="text/plain; charset=utf-8")
