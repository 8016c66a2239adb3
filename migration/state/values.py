"""Values of any database product as JSON has them, so that equal values are equal whatever product they come from.

Numbers become int where they are whole, times ``YYYY-MM-DD HH:MM:SS`` in UTC, bytes hexadecimal, JSON compact text with
sorted keys; what can't be read as its column says stays text.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from migration.compare.times import parse_time
from migration.state.tables import Column, ColumnKind

#: A value as it is compared: None, a text, or a number.
Value = str | int | float | None
#: A row as it is compared: its values in the order of the layout's columns.
Row = tuple[Value, ...]
#: A row for a closer look: by column, with JSON parsed.
Record = dict[str, Any]

_SECOND = "%Y-%m-%d %H:%M:%S"
_AS_COMPARED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def reader(column: Column) -> Callable[[Any], Value]:
    """What makes a driver's value of ``column`` comparable."""
    read = _READERS[column.kind]

    def value(found: Any) -> Value:
        return None if found is None else read(found, column)

    return value


def record(columns: Sequence[str], row: Row) -> Record:
    """``row`` by column, with JSON parsed."""
    return {name: _parsed(value) for name, value in zip(columns, row, strict=True)}


def _parsed(value: Value) -> Any:
    return json.loads(value) if isinstance(value, str) and _is_json(value) else value


def _is_json(text: str) -> bool:
    """Whether a text that :func:`reader` made is an object or a list."""
    if text[:1] not in ("{", "["):
        return False
    try:
        return _compact(json.loads(text)) == text
    except (ValueError, RecursionError):
        return False


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def _json(value: Any, column: Column) -> Value:
    if isinstance(value, bytes | bytearray | memoryview):
        value = bytes(value).decode(errors="backslashreplace")
    if not isinstance(value, str):
        return _compact(value)
    try:
        return _compact(json.loads(value))
    except (ValueError, RecursionError):
        return value


def _text(value: Any, column: Column) -> Value:
    if isinstance(value, bytes | bytearray | memoryview):
        return _bytes(value, column)
    if isinstance(value, dict | list):
        return _compact(value)
    if isinstance(value, int | float | Decimal):
        return str(_number(value, column))
    text = _time(value, column) if isinstance(value, date) else str(value)
    if column.padded and isinstance(text, str):
        text = text.rstrip(" ")
    return _json(text, column) if isinstance(text, str) and text[:1] in ("{", "[") else text


def _number(value: Any, column: Column) -> Value:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, bytes):
        return int.from_bytes(value)  # MySQL's BIT
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        value = f"{value:.15g}"  # beyond that, products and sums differ by how they were reckoned
        whole, _, fraction = value.partition(".")
        if "e" not in value and len(fraction) <= (15 if column.scale is None else column.scale):
            return float(value) if fraction else int(whole)
    try:
        exact = Decimal(str(value))
        if column.scale is not None:
            exact = exact.quantize(Decimal(1).scaleb(-column.scale), ROUND_HALF_UP)
    except InvalidOperation:
        return str(value)
    if not exact.is_finite():
        return str(value)
    if exact == exact.to_integral_value():
        return int(exact)
    nearest = float(exact)
    return nearest if Decimal(repr(nearest)) == exact else str(exact.normalize())


def _time(value: Any, column: Column) -> Value:
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).strftime(_SECOND)
    if isinstance(value, date):
        return f"{value.isoformat()} 00:00:00"
    if isinstance(value, int | float | Decimal):
        return _number(value, column)
    if _AS_COMPARED.fullmatch(str(value)):
        return str(value)
    moment = parse_time(str(value))
    if moment is None:
        return str(value)
    return datetime.fromtimestamp(math.floor(moment.epoch), UTC).strftime(_SECOND)


def _date(value: Any, column: Column) -> Value:
    written = _time(value, column)
    return written.removesuffix(" 00:00:00") if isinstance(written, str) else written


def _bytes(value: Any, column: Column) -> Value:
    return bytes(value).hex() if isinstance(value, bytes | bytearray | memoryview) else str(value)


_READERS: Mapping[ColumnKind, Callable[[Any, Column], Value]] = {
    ColumnKind.JSON: _json,
    ColumnKind.TIME: _time,
    ColumnKind.DATE: _date,
    ColumnKind.BYTES: _bytes,
    ColumnKind.NUMBER: _number,
    ColumnKind.TEXT: _text,
}
