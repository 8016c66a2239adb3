"""Fields for what money and time tools are told: exact numbers, days, moments, time zones and phrases."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import marshmallow as ma

from backend.core.complaints import refused, refused_value
from backend.core.wire_fields import Text, WireField
from backend.core.wire_moments import Moment
from backend.core.wire_numbers import WholeNumber

FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2999, 12, 31)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
LONGEST_NUMBER = 40
MOST_ROWS = 500
MOST_OFFSET = 1_000_000
LARGEST_ID = 2**31 - 1


class ExactNumber(WireField, ma.fields.String):
    """A Decimal of at most `places` decimal places, from a number or a text; nothing is ever rounded.

    Its bounds are texts, so that they are exact too.
    """

    def __init__(self, *, least: str, most: str, places: int = 2, **options: Any) -> None:
        super().__init__(**options)
        self.least, self.most, self.places = Decimal(least), Decimal(most), places
        words = f"From {least} to {most}, with at most {places} decimal places"
        self.metadata = {"type": ["number", "string"], "description": words, **self.metadata}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        number = _decimal(value)
        if number < self.least:
            text = f"Input should be greater than or equal to {self.least}"
            raise refused("greater_than_equal", text, value, ge=str(self.least))
        if number > self.most:
            raise refused(
                "less_than_equal", f"Input should be less than or equal to {self.most}", value, le=str(self.most)
            )
        rounded = number.quantize(Decimal(1).scaleb(-self.places))
        if rounded != number:
            text = f"Decimal input should have no more than {self.places} decimal places"
            raise refused("decimal_max_places", text, value, decimal_places=self.places)
        return abs(rounded) if rounded == 0 else rounded


class Day(WireField, ma.fields.Date):
    """A day, YYYY-MM-DD, from 1970 to 2999."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> date:
        if not isinstance(value, str):
            raise refused("date_type", "Input should be a valid date", value)
        try:
            if DAY.fullmatch(value) is None:
                raise ValueError(value)  # noqa: TRY301
            day = date.fromisoformat(value)
        except ValueError:
            error = "expected a day as YYYY-MM-DD"
            raise refused("date_parsing", f"Input should be a valid date, {error}", value, error=error) from None
        if not FIRST_DAY <= day <= LAST_DAY:
            raise refused_value(f"a day is between {FIRST_DAY} and {LAST_DAY}", value)
        return day


class Instant(Moment):
    """A moment in UTC to the second, naive; texts may carry a zone, and are UTC without one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> datetime:
        moment = super()._deserialize(value, attr, data, **options)
        if not FIRST_DAY.year < moment.year < LAST_DAY.year:
            raise refused_value(f"a moment is between {FIRST_DAY} and {LAST_DAY}", value)
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        return moment.replace(microsecond=0)


class Phrase(Text):
    """A text without spaces around it and without U+0000, which not every database can keep."""

    def __init__(self, max_length: int, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)
        lengths = {"minLength": self.min_length, "maxLength": max_length}
        self.metadata = {**self.metadata, **{name: length for name, length in lengths.items() if length is not None}}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        given = value.strip() if isinstance(value, str) else value
        if isinstance(given, str) and "\0" in given:
            raise refused_value("a text does not contain U+0000", value)
        return super()._deserialize(given, attr, data, **options)


class Zone(Text):
    """A time zone by its IANA name, such as Europe/Berlin."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        name = super()._deserialize(value, attr, data, **options)
        if name not in _zones():
            raise refused_value("a time zone is an IANA name such as Europe/Berlin", value)
        return ZoneInfo(name)


def required_phrase(max_length: int, example: str, **options: Any) -> Phrase:
    """A text that must be there and not be empty."""
    return Phrase(max_length, min_length=1, required=True, metadata={"example": example}, **options)


def phrase(max_length: int, example: str, *, allow_none: bool = True, **options: Any) -> Phrase:
    """A text that may be left out, or null."""
    return Phrase(max_length, allow_none=allow_none, metadata={"example": example}, **options)


def long_text(example: str, **options: Any) -> Phrase:
    """A text of some paragraphs."""
    return phrase(10_000, example, **options)


def amount(most: str, example: str = "12.50", *, least: str = "0.01", **options: Any) -> ExactNumber:
    """Money, to the cent."""
    return ExactNumber(least=least, most=most, metadata={"example": example}, **options)


def day(description: str, **options: Any) -> Day:
    """A day."""
    return Day(metadata={"description": description, "example": "2025-01-31"}, **options)


def row_id(of: str, **options: Any) -> WholeNumber:
    """The number of a row."""
    described = {"description": f"The id of {of}", "example": 1, "minimum": 1, "maximum": LARGEST_ID}
    return WholeNumber(ge=1, le=LARGEST_ID, metadata=described, **options)


def limit() -> WholeNumber:
    """How many rows at most."""
    described = {"description": "How many at most", "example": 50, "minimum": 1, "maximum": MOST_ROWS}
    return WholeNumber(ge=1, le=MOST_ROWS, load_default=50, metadata=described)


def offset() -> WholeNumber:
    """How many rows are passed over."""
    described = {"description": "How many are passed over", "example": 0, "minimum": 0, "maximum": MOST_OFFSET}
    return WholeNumber(ge=0, le=MOST_OFFSET, load_default=0, metadata=described)


def zone() -> Zone:
    """In whose days it is reckoned."""
    described = {"description": "The IANA name of the time zone in which days begin", "example": "Europe/Berlin"}
    return Zone(data_key="timezone", load_default=ZoneInfo("UTC"), metadata=described)


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise refused("decimal_type", "Decimal input should be an integer, float, string or Decimal object", value)
    if isinstance(value, float) and not isfinite(value):
        raise refused("finite_number", "Input should be a finite number", value)
    text = value.strip() if isinstance(value, str) else repr(value)
    if len(text) > LONGEST_NUMBER or (isinstance(value, str) and NUMBER.fullmatch(text) is None):
        raise refused("decimal_parsing", "Input should be a valid decimal", value)
    try:
        return Decimal(text)
    except InvalidOperation:
        raise refused("decimal_parsing", "Input should be a valid decimal", value) from None


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
