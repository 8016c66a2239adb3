"""Points in time as pydantic's lax mode reads them: ISO texts, days, and seconds or milliseconds since 1970."""

import re
from datetime import UTC, datetime, timedelta, timezone
from math import isfinite, isnan
from typing import Any

import marshmallow as ma

from backend.core.complaints import refused
from backend.core.wire_fields import WireField, refuse_broken

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Numbers beyond this are milliseconds (2603-10-11T11:33:20 as seconds).
MOST_SECONDS = 20_000_000_000
TOO_LATE = "dates after 9999 are not supported as unix timestamps"
TOO_EARLY = "dates before 0000 are not supported as unix timestamps"
UNIX = re.compile(r"[+-]?(?:[0-9]+|(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")
TIME = re.compile(
    r"[Tt _]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
    r"(?:([Zz])|([+-]|\xe2\x88\x92)([0-9]{2}):?([0-9]{2}))?"
)


class _UnreadableError(ValueError):
    """The text is no date; `str()` tells why in the words that clients know."""


class Moment(WireField, ma.fields.DateTime):
    """A datetime; it has a zone where the value told one (numbers are UTC)."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> datetime:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise refused("datetime_type", "Input should be a valid datetime", value)
        try:
            return _from_text(value) if isinstance(value, str) else _from_number(value)
        except _UnreadableError as error:
            kind, words = "datetime_parsing", "Input should be a valid datetime"
            if isinstance(value, str) and not str(error).startswith("year"):
                kind, words = "datetime_from_date_parsing", f"{words} or date"
            raise refused(kind, f"{words}, {error}", value, error=str(error)) from error


def _from_number(number: int | float) -> datetime:
    if isnan(number):
        raise _UnreadableError("NaN values not permitted")
    seconds = number / 1000 if isfinite(number) and abs(number) > MOST_SECONDS else number
    try:
        return EPOCH + timedelta(microseconds=round(seconds * 1_000_000))
    except (OverflowError, ValueError):
        raise _UnreadableError(TOO_LATE if number > 0 else TOO_EARLY) from None


def _from_text(given: str) -> datetime:
    refuse_broken(given)
    text = given.encode().decode("latin-1")  # what is read, and counted, are the octets
    if UNIX.fullmatch(text) and ("." in text or abs(float(text)) < 2**63):
        return _from_number(float(text))
    year, month, day = _day(text)
    time = TIME.fullmatch(text[10:]) if len(text) > 10 else None
    moment = _moment((year, month, day), time) if time else None
    if moment is not None:
        return moment
    if len(text) > 10:
        raise _UnreadableError("unexpected extra characters at the end of the input")
    return datetime(year, month, day)


def _day(text: str) -> tuple[int, int, int]:
    """The day that a text begins with; the first thing that is wrong with it is told."""
    if len(text) < 10:
        raise _UnreadableError("input is too short")
    for start, end, part in ((0, 4, "year"), (4, 5, ""), (5, 7, "month"), (7, 8, ""), (8, 10, "day")):
        piece = text[start:end]
        if not part and piece != "-":
            raise _UnreadableError("invalid date separator, expected `-`")
        if part and not (piece.isascii() and piece.isdigit()):
            raise _UnreadableError(f"invalid character in {part}")
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    if not 1 <= month <= 12:
        raise _UnreadableError("month value is outside expected range of 1-12")
    try:
        datetime(year or 4, month, day)
    except ValueError:
        raise _UnreadableError("day value is outside expected range") from None
    if year == 0:
        raise _UnreadableError("year 0 is out of range")
    return year, month, day


def _moment(day: tuple[int, int, int], time: re.Match[str]) -> datetime | None:
    """The moment of a day; None when there is no such time."""
    hour, minute, second, fraction, utc, sign, hours, minutes = time.groups()
    try:
        zone = _zone(sign, int(hours), int(minutes)) if sign else UTC if utc else None
        microsecond = int((fraction or "").ljust(6, "0")[:6])
        return datetime(*day, int(hour), int(minute), int(second or 0), microsecond, zone)
    except ValueError:
        return None


def _zone(sign: str, hours: int, minutes: int) -> timezone:
    if minutes > 59:
        raise ValueError(minutes)
    ahead = timedelta(hours=hours, minutes=minutes)
    return timezone(ahead if sign == "+" else -ahead)
