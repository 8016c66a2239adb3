"""How answers become JSON: sorted keys, no spaces, ASCII only, one newline at the end."""

from datetime import date
from decimal import Decimal
from typing import Any

from flask.json.provider import DefaultJSONProvider


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


class WireJSONProvider(DefaultJSONProvider):
    """Flask's provider with the wire's habits; datetimes are ISO texts without a zone."""

    default = staticmethod(_plain)
    compact = True
    ensure_ascii = True
    sort_keys = True
