"""The parts of a request as schemas get them: its JSON, form, query, path and headers."""

import json
from dataclasses import dataclass
from email.message import Message
from typing import Any

import marshmallow as ma
from flask import request
from werkzeug.datastructures import MultiDict

from backend.core.complaints import Complaint
from backend.core.errors import InvalidRequestError, RequestRefusedError

#: What complaints call each location of a request, in the order in which they are listed.
PLACES = {"path": "path", "query": "query", "headers": "header", "json": "body", "form": "body"}
ORDER = tuple(PLACES)
BODIES = frozenset(("json", "form"))


@dataclass(frozen=True, slots=True)
class ReadBody:
    """What a request's body is: JSON, the raw text of something else, None for nothing, or the values of a form."""

    value: Any


def read_body(*, form: bool) -> ReadBody:
    """Read the body of this request.

    Raises InvalidRequestError for JSON that can't be parsed, RequestRefusedError (400) for JSON that can't be read,
    RequestEntityTooLarge for more than is allowed.
    """
    if form:
        return ReadBody(MultiDict([*request.form.items(multi=True), *request.files.items(multi=True)]))
    raw = request.get_data()
    if request.content_length is None:
        request.stream.read(1)  # of a body without a length, what is beyond the limit is refused only when it is read
    if not raw:
        return ReadBody(None)
    if not _is_json(request.headers.get("Content-Type")):
        return ReadBody(raw.decode(errors="replace"))
    try:
        return ReadBody(json.loads(raw))
    except json.JSONDecodeError as error:
        place = ("body", error.pos)
        complaint = Complaint("json_invalid", "JSON decode error", {}, {"error": error.msg}, place)
        raise InvalidRequestError([complaint]) from error
    except (ValueError, RecursionError) as error:
        raise RequestRefusedError(400, "There was an error parsing the body") from error


def given_in(location: str, schema: ma.Schema, body: ReadBody, path: dict[str, Any]) -> Any:
    """What the request holds in a location, for `schema` to load."""
    if location == "json":
        return body.value
    if location == "path":
        return path
    if location == "headers":
        return {_name(name, field): text for name, field in schema.fields.items() if (text := _header(name, field))}
    values: MultiDict[str, Any] = body.value if location == "form" else request.args
    present = {_name(name, field): field for name, field in schema.fields.items() if _name(name, field) in values}
    given = {name: _value(values, name, field) for name, field in present.items()}
    return {name: value for name, value in given.items() if value != ""} if location == "form" else given


def _is_json(content_type: str | None) -> bool:
    if not content_type:
        return True
    message = Message()
    message["content-type"] = content_type
    subtype = message.get_content_subtype()
    return message.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))


def _value(values: MultiDict[str, Any], name: str, field: ma.fields.Field[Any]) -> Any:
    """All values of a list, of anything else the last."""
    every = values.getlist(name)
    return every if isinstance(field, ma.fields.List) else every[-1]


def _name(name: str, field: ma.fields.Field[Any]) -> str:
    return field.data_key if field.data_key is not None else name


def _header(name: str, field: ma.fields.Field[Any]) -> str | None:
    return request.headers.get(_name(name, field))
