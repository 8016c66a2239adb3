"""The wire fields against pydantic itself: the same value in, the same value or the same complaints out."""

from __future__ import annotations

import enum
import math
from datetime import datetime
from typing import Annotated, Any, Literal

import marshmallow as ma
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from backend.core.complaints import complaints_in
from backend.core.wire_fields import Anything, Choice, Flag, ListOf, Mapping, Nested, Text, WireSchema
from backend.core.wire_moments import Moment
from backend.core.wire_numbers import Number, WholeNumber

Colour = enum.StrEnum("Colour", ["red", "green"])


class Point(BaseModel):
    x: int
    label: str | None = None


class Everything(BaseModel):
    text: str
    short: Annotated[str, Field(min_length=2, max_length=4, pattern="^[a-z]")] = "ab"
    count: int
    few: Annotated[int, Field(ge=1, le=10)] = 1
    size: float
    share: Annotated[float, Field(gt=0, lt=1.5)] = 0.5
    flag: bool = False
    kind: Literal["query", "passage", "both"] = "query"
    colour: Colour | None = None
    when: datetime | None = None
    numbers: list[int] = []
    pair: Annotated[list[str], Field(min_length=1, max_length=2)] = ["x"]
    table: dict[str, float] = {}
    extra: dict[str, Any] = {}
    point: Point | None = None
    points: list[Point] = []
    anything: Any = None


class PointSchema(WireSchema):
    x = WholeNumber(required=True)
    label = Text(allow_none=True, load_default=None)


class EverythingSchema(WireSchema):
    text = Text(required=True)
    short = Text(min_length=2, max_length=4, pattern="^[a-z]", load_default="ab")
    count = WholeNumber(required=True)
    few = WholeNumber(ge=1, le=10, load_default=1)
    size = Number(required=True)
    share = Number(gt=0, lt=1.5, load_default=0.5)
    flag = Flag(load_default=False)
    kind = Choice("query", "passage", "both", load_default="query")
    colour = Choice("red", "green", kind="enum", allow_none=True, load_default=None)
    when = Moment(allow_none=True, load_default=None)
    numbers = ListOf(WholeNumber(), load_default=list)
    pair = ListOf(Text(), min_length=1, max_length=2, load_default=lambda: ["x"])
    table = Mapping(Number(), load_default=dict)
    extra = Mapping(load_default=dict)
    point = Nested(PointSchema, allow_none=True, load_default=None)
    points = ListOf(Nested(PointSchema), load_default=list)
    anything = Anything(allow_none=True, load_default=None)


WORDS = [
    *(
        "",
        " ",
        "5",
        "5.0",
        "-5",
        "+5",
        " 7 ",
        "5.5",
        "1_000",
        "1__0",
        "_1",
        "00_5",
        "0_5",
        "1e3",
        "1.5",
        ".5",
        "5.",
        "nan",
    ),
    *(
        "-inf",
        "Infinity",
        "true",
        "ON",
        "off",
        "y",
        " true",
        "query",
        "passage",
        "red",
        "RED",
        "ab",
        "abcde",
        "Ab",
        "x",
    ),
    *("2024-01-02", "2024-01-02T03:04:05", "2024-01-02 03:04:05.123456789Z", "2024-02-30", "2024-13-01", "20x4-01-01"),
    *("2024/01/02", "2024-01-02T25:00", "2024-01-02T03:04:05+0100", "2024-01-02T03:04+24:00", "1700000000", "1.5e3"),
    *(
        "0000-01-01",
        "0000-01-01T00:00",
        "9" * 20,
        "-" + "9" * 20,
        "yesterday",
        "9" * 5000,
        "\u0665",
        "\u00a05",
        "\x1c5",
    ),
]
TEXTS = st.one_of(
    st.sampled_from(WORDS),
    st.text(max_size=6),
    st.text("0123456789+-_.eE:TZ ", max_size=12),
    st.from_regex(r"\A\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?\Z"),
)
NUMBERS = st.one_of(
    *(st.integers(-12, 12), st.integers(-(2**70), 2**70), st.floats(), st.booleans()),
    *(st.sampled_from([0.0, 1.0, 2.5, 1e19, -1e300, 2.0**63, 10**400, 20_000_000_001, -62135596801]), st.just(True)),
)
SCALARS = st.one_of(st.none(), TEXTS, NUMBERS)
POINTS = st.dictionaries(st.sampled_from(["x", "label", "unknown"]), SCALARS, max_size=3)
VALUES = st.recursive(
    st.one_of(SCALARS, POINTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from("abx"), inner, max_size=3)),
    max_leaves=6,
)
FIELDS = tuple(EverythingSchema().fields)
RIGHT = {"text": "t", "count": 1, "size": 1.5}


def by_pydantic(model: type[BaseModel], given: Any) -> Any:
    try:
        return model.model_validate(given, from_attributes=True).model_dump()
    except ValidationError as error:
        return [{**item, "loc": list(item["loc"])} for item in error.errors(include_url=False)]


def by_us(schema: ma.Schema, given: Any) -> Any:
    try:
        return schema.load(given)
    except ma.ValidationError as error:
        return [complaint.on_the_wire() for complaint in complaints_in(error.messages, given)]


def comparable(value: Any) -> Any:
    """NaN is like NaN, 1 is not like 1.0 or True, and zones are alike when their offsets are."""
    if isinstance(value, float):
        return ("float", "nan" if math.isnan(value) else value)
    if isinstance(value, datetime):
        return ("moment", value.replace(tzinfo=None), value.utcoffset())
    if isinstance(value, dict):
        return {name: comparable(member) for name, member in value.items()}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    return (type(value).__name__ if not isinstance(value, str) else "str", value)


def assert_alike(given: Any) -> None:
    assert comparable(by_us(EverythingSchema(), given)) == comparable(by_pydantic(Everything, given))


QUICKLY = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_takes_and_refuses_what_pydantic_does(name: str) -> None:
    @QUICKLY
    @given(VALUES)
    def compare(value: Any) -> None:
        assert_alike({**RIGHT, name: value})

    compare()
    for word in WORDS:
        assert_alike({**RIGHT, name: word})


@QUICKLY
@given(st.one_of(VALUES, st.dictionaries(st.sampled_from(FIELDS), VALUES)))
def test_complaints_about_several_fields_come_all_at_once_and_in_order(given: Any) -> None:
    assert_alike(given)


def test_complaints_tell_where_in_lists_and_objects_they_belong() -> None:
    given = {"count": None, "size": "big", "numbers": [1, "x", 2.5], "points": [{}, 5], "table": {"a": "?"}}

    told = [(item["type"], item["loc"]) for item in by_us(EverythingSchema(), given)]

    assert told == [
        ("missing", ["text"]),
        ("int_type", ["count"]),
        ("float_parsing", ["size"]),
        ("int_parsing", ["numbers", 1]),
        ("int_from_float", ["numbers", 2]),
        ("float_parsing", ["table", "a"]),
        ("missing", ["points", 0, "x"]),
        ("model_attributes_type", ["points", 1]),
    ]
    assert by_us(EverythingSchema(), given)[0]["input"] is given


def test_rules_of_a_domain_become_value_errors() -> None:
    class Corners(WireSchema):
        low = WholeNumber(required=True, validate=ma.validate.Predicate("bit_length", error="not zero"))
        high = WholeNumber(required=True)

        @ma.validates_schema
        def _check(self, data: dict[str, Any], **_: Any) -> None:
            if data["low"] > data["high"]:
                raise ma.ValidationError("low is above high")

    given = {"low": "2", "high": 1}

    assert by_us(Corners(), {"low": "0", "high": "x"})[0] == {
        "type": "value_error",
        "loc": ["low"],
        "msg": "Value error, not zero",
        "input": "0",
        "ctx": {"error": {}},
    }
    assert by_us(Corners(), given) == [
        {
            "type": "value_error",
            "loc": [],
            "msg": "Value error, low is above high",
            "input": given,
            "ctx": {"error": {}},
        }
    ]


@pytest.mark.parametrize("name", ["text", "count", "size", "flag", "when"])
def test_half_a_pair_of_surrogates_is_no_text(name: str) -> None:
    told = by_us(EverythingSchema(), {**RIGHT, name: "\ud800"})

    assert [(item["type"], item["loc"]) for item in told] == [("string_unicode", [name])]


def test_many_objects_are_a_list() -> None:
    assert by_us(PointSchema(many=True), [{"x": "1"}]) == [{"x": 1, "label": None}]
    assert [item["loc"] for item in by_us(PointSchema(many=True), [{"x": 1}, {}])] == [[1, "x"]]
    assert by_us(PointSchema(many=True), {})[0]["type"] == "list_type"
