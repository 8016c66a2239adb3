"""How answers of the `detail` kind become JSON: members as they were put, no spaces, UTF-8, no newline at the end."""

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Any, cast
from uuid import UUID

from flask import Response
from flask.json.provider import DefaultJSONProvider


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


class DetailJSONProvider(DefaultJSONProvider):
    """Flask's provider with these habits. What JSON has no number for, such as NaN, is null."""

    default = staticmethod(_plain)

    def dumps(self, obj: Any, **options: Any) -> str:
        """One line of JSON; raises TypeError for what has no place in it."""
        options = {"default": self.default, "separators": (",", ":"), "ensure_ascii": False, **options}
        try:
            text = json.dumps(obj, allow_nan=False, **options)
        except ValueError:
            text = json.dumps(_without_nan(obj), allow_nan=False, **options)
        try:
            text.encode()
        except UnicodeEncodeError:  # half a surrogate pair, which only an escape can carry
            return json.dumps(json.loads(text), **{**options, "ensure_ascii": True})
        return text

    def response(self, *values: Any, **members: Any) -> Response:
        """The answer that `jsonify` makes."""
        text = self.dumps(self._prepare_response_obj(values, members))
        return cast(Response, self._app.response_class(text, mimetype=self.mimetype))


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {name: _without_nan(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return value
