"""How answers become JSON, in the two habits that the old systems have."""

from datetime import date
from decimal import Decimal
from json import JSONEncoder
from typing import Any, cast

from flask import Response
from flask.json.provider import DefaultJSONProvider


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


ENCODER = JSONEncoder(default=_plain, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


class WireJSONProvider(DefaultJSONProvider):
    """Sorted keys, no spaces, ASCII only, one newline at the end; datetimes are ISO texts without a zone."""

    default = staticmethod(_plain)
    compact = True
    ensure_ascii = True
    sort_keys = True

    def response(self, *values: Any, **members: Any) -> Response:
        """The same answer as the parent's, from an encoder that is not made anew each time."""
        text = ENCODER.encode(self._prepare_response_obj(values, members))
        return cast(Response, self._app.response_class(f"{text}\n", mimetype=self.mimetype))


class OrderedJSONProvider(DefaultJSONProvider):
    """Keys as they were put in, no spaces, any character as it is, no newline at the end."""

    default = staticmethod(_plain)
    compact = True
    ensure_ascii = False
    sort_keys = False

    def response(self, *values: Any, **members: Any) -> Response:
        """An answer with the JSON of one value or of the members."""
        text = self.dumps(self._prepare_response_obj(values, members), separators=(",", ":"))
        return cast(Response, self._app.response_class(text, mimetype=self.mimetype))
