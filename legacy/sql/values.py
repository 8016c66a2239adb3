"""How a bound value becomes a stored value: MySQL's conversions in strict mode, and their errors.

SQLite stores what it is given. Because the words of MySQL's errors name the value, and because a T, a fraction
or a rounding must be settled before anything compares the stored text, values are converted here, by the type
of the column they go to, before the statement runs. The CHECKs of the schema stay as the net below.
"""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from legacy.spot_schema import Column, Table
from legacy.sql import errors

_BINDABLE = (bool, int, float, str, bytes, Decimal, datetime, date, time, timedelta)
_OFFSET_STAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_COMPACT_STAMP = re.compile(r"(\d{4}|\d\d)(\d\d)(\d\d)(?:T?(\d\d)(\d\d)(\d\d))?")
_DELIMITED_STAMP = re.compile(
    r"(\d{4}|\d\d)[^\w\s](\d\d?)[^\w\s](\d\d?)"
    r"(?:(?:T|\s+|[^\w\s])(\d\d?)(?:[^\w\s](\d\d?)(?:[^\w\s](\d\d?)(?:\.(\d*))?)?)?)?"
)
_BEYOND_16_BITS = re.compile("[\U00010000-\U0010ffff]")
_LARGE_KANA = dict(zip("ぁぃぅぇぉっゃゅょゎゕゖ", "あいうえおつやゆよわかけ", strict=True))
_KATAKANA_AFTER_HIRAGANA = 0x60
_ALIKE = {ord("œ"): "oe"} | {
    code + shift: _LARGE_KANA.get(chr(code), chr(code))
    for code in range(ord("ぁ"), ord("ゖ") + 1)
    for shift in (0, _KATAKANA_AFTER_HIRAGANA)
}
_FIRST_STAMP = datetime(1970, 1, 1, 0, 0, 1)
_LAST_STAMP = datetime(2038, 1, 19, 3, 14, 7)
_TEXT_BYTES = 65535
_MOST_DIGITS = 65


def check_bindable(value: Any) -> None:
    """Refuse what the MySQL driver cannot put into a statement: dicts, lists and the like."""
    if value is not None and not isinstance(value, _BINDABLE):
        raise errors.not_convertible(value)


def without_offset(value: Any) -> Any:
    """``2026-11-21T03:00:00.5+01:00`` as ``2026-11-21 02:00:00.500000``, anything else as it is.

    MySQL 8 accepts the offset, MariaDB does not, and the agents send it.
    """
    if not isinstance(value, str) or not _OFFSET_STAMP.fullmatch(value):
        return value
    try:
        return in_utc(datetime.fromisoformat(value)).isoformat(" ")
    except (ValueError, OverflowError):
        return value


def in_utc(value: datetime) -> datetime:
    """The same moment as a naive datetime in UTC; naive values count as UTC already."""
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


def parse_stamp(text: str) -> datetime | None:
    """The datetime that MySQL reads in a text, or None where it reads none. A fraction is kept."""
    text = text.strip()
    match = _COMPACT_STAMP.fullmatch(text) or _DELIMITED_STAMP.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, *fraction = match.groups()
    full_year = int(year) if len(year) == 4 else int(year) + (1900 if int(year) >= 70 else 2000)
    microsecond = int(((fraction and fraction[0]) or "0")[:6].ljust(6, "0"))
    try:
        return datetime(
            full_year, int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), microsecond
        )
    except ValueError:
        return None


def comparable_stamp(value: Any) -> Any:
    """A value compared with a TIMESTAMP column, in the form in which SQLite stores timestamps."""
    if isinstance(value, str):
        parsed = parse_stamp(value)
        return value if parsed is None else parsed.isoformat(" ")
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time()).isoformat(" ")
    return value


def stored(table: Table, column: Column, value: Any) -> Any:
    """The value that the column keeps.

    Raises DatabaseError 1048, 1264, 1265, 1292, 1366, 1406 or 4025 where MySQL's strict mode refuses the value.
    """
    if value is None:
        if column.nullable or column.auto_increment:
            return None
        raise errors.null_refused(column.name)
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    match column.kind:
        case "CHAR" | "VARCHAR" | "TEXT":
            return _text(column, value)
        case "ENUM":
            return _choice(column, value)
        case "DECIMAL":
            return _decimal(table, column, value)
        case "TIMESTAMP":
            return _stamp(table, column, value)
        case "DATE":
            return _date(table, column, value)
        case "JSON":
            return _json(table, column, value)
        case _:
            return _integer(table, column, value)


def as_text(value: Any) -> str:
    """A bound value as the text that MySQL makes of it."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, datetime):
        return in_utc(value).isoformat(" ")
    return str(value)


def fold(text: Any) -> Any:
    """The form in which utf8mb4_unicode_ci compares texts: no case, no accents, no spaces at the end.

    Katakana and small kana count as plain hiragana, and everything beyond the first 65536 characters as one and the
    same; characters without a shape of their own count for nothing.
    """
    if not isinstance(text, str):
        return text
    if not text.isascii():
        shown = "".join(mark for mark in unicodedata.normalize("NFKD", text) if _has_weight(mark))
        text = _BEYOND_16_BITS.sub("\N{REPLACEMENT CHARACTER}", shown.casefold().translate(_ALIKE))
    return text.casefold().rstrip(" ")


def _has_weight(mark: str) -> bool:
    return not unicodedata.combining(mark) and (unicodedata.category(mark) not in ("Cc", "Cf") or mark.isspace())


def is_number(text: str) -> bool:
    """Whether MySQL reads the whole of a text as a number."""
    return _NUMBER.fullmatch(text.strip()) is not None


def _text(column: Column, value: Any) -> str:
    text = as_text(value)
    if column.kind == "TEXT":
        if len(text.encode("utf-8", "surrogatepass")) > _TEXT_BYTES:
            raise errors.too_long(column.name)
        return text
    if len(text.rstrip(" ")) > column.length:
        raise errors.too_long(column.name)
    return text.rstrip(" ") if column.kind == "CHAR" else text[: column.length]


def _choice(column: Column, value: Any) -> str:
    text = as_text(value)
    for choice in column.choices:
        if fold(choice) == fold(text):
            return choice
    if text.isascii() and text.isdigit() and 1 <= int(text) <= len(column.choices):
        return column.choices[int(text) - 1]
    raise errors.truncated(column.name)


def _number(table: Table, column: Column, value: Any) -> Decimal:
    """The number in a value; digits followed by anything else count as cut, no digits as incorrect."""
    text = as_text(value).strip()
    match = _NUMBER.match(text)
    if match is None:
        what = "decimal" if column.kind == "DECIMAL" else "integer"
        raise errors.incorrect(what, as_text(value), table.name, column.name)
    if match.end() < len(text):
        raise errors.truncated(column.name)
    number = Decimal(match[0])
    if number and number.adjusted() > _MOST_DIGITS:
        raise errors.out_of_range(column.name)
    return number


def _rounded(number: Decimal, scale: int) -> Decimal:
    if number and number.adjusted() < -_MOST_DIGITS:
        return Decimal(0)
    return round_half_up(number, scale)


def round_half_up(number: Decimal, scale: int) -> Decimal:
    """Rounded to ``scale`` digits after the point, halves away from zero, as MySQL rounds decimals."""
    return number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, Context(prec=2 * _MOST_DIGITS))


def _integer(table: Table, column: Column, value: Any) -> int:
    number = int(_rounded(_number(table, column, value), 0))
    limit = 1 << (column.bits - 1)
    if not -limit <= number < limit:
        raise errors.out_of_range(column.name)
    return number


def _decimal(table: Table, column: Column, value: Any) -> float:
    precision, scale = column.digits
    number = _rounded(_number(table, column, value), scale)
    if abs(number) >= 10 ** (precision - scale):
        raise errors.out_of_range(column.name)
    return float(number)


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return in_utc(value)
    if isinstance(value, date):
        return datetime.combine(value, time())
    return parse_stamp(as_text(value))


def _stamp(table: Table, column: Column, value: Any) -> str:
    moment = _moment(value)
    if moment is None or not _FIRST_STAMP <= moment.replace(microsecond=0) <= _LAST_STAMP:
        raise errors.incorrect("datetime", as_text(value), table.name, column.name)
    return moment.replace(microsecond=0).isoformat(" ")


def _date(table: Table, column: Column, value: Any) -> str:
    moment = _moment(value)
    if moment is None:
        raise errors.incorrect("date", as_text(value), table.name, column.name)
    return moment.date().isoformat()


def _json(table: Table, column: Column, value: Any) -> str:
    text = as_text(value)
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise errors.check_failed(f"{table.name}.{column.name}", table.name) from None
    return text


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
