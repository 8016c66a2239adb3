"""Numbers as pydantic's lax mode takes them: also from texts, whole ones also from fractions of nothing."""

import re
from decimal import Decimal
from math import isfinite
from typing import Any

import marshmallow as ma

from backend.core.complaints import refused
from backend.core.wire_fields import WireField, refuse_broken

Bound = int | float | None

#: What surrounds a number without being part of it: Unicode's white space.
BLANKS = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
WHOLE = re.compile(r"[+-]?[0-9]+(?:_[0-9]+)*(?:\.0+)?")
REAL = re.compile(r"[+-]?(?:inf(?:inity)?|nan|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?)", re.IGNORECASE)
MOST_CHARACTERS = 4300
COMPARISONS = (
    ("le", "less_than_equal", "less than or equal to", lambda value, bound: value <= bound),
    ("lt", "less_than", "less than", lambda value, bound: value < bound),
    ("ge", "greater_than_equal", "greater than or equal to", lambda value, bound: value >= bound),
    ("gt", "greater_than", "greater than", lambda value, bound: value > bound),
)


class BoundedField(WireField):
    """A number within bounds: at least `ge` or above `gt`, at most `le` or below `lt`."""

    def __init__(
        self, *, ge: Bound = None, gt: Bound = None, le: Bound = None, lt: Bound = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.bounds = {"ge": ge, "gt": gt, "le": le, "lt": lt}

    def within(self, number: Any, given: Any) -> Any:
        """`number`, if it is within the bounds; raises a refusal of what was `given`."""
        for name, kind, words, holds in COMPARISONS:
            bound = self.bounds[name]
            if bound is not None and not holds(number, bound):
                raise refused(kind, f"Input should be {words} {_plainly(bound)}", given, **{name: bound})
        return number


class WholeNumber(BoundedField, ma.fields.Integer):
    """A whole number of any size."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> int:
        return int(self.within(_whole(value), value))


class Number(BoundedField, ma.fields.Float):
    """A number with a fraction; by its bounds it may be infinite, or none at all (NaN)."""

    def __init__(
        self, *, ge: Bound = None, gt: Bound = None, le: Bound = None, lt: Bound = None, **options: Any
    ) -> None:
        bounds = {
            name: float(bound) for name, bound in (("ge", ge), ("gt", gt), ("le", le), ("lt", lt)) if bound is not None
        }
        super().__init__(allow_nan=True, **bounds, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> float:
        return float(self.within(_real(value), value))


def _whole(value: Any) -> int:
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not isfinite(value):
            raise refused("finite_number", "Input should be a finite number", value)
        if value % 1:
            text = "Input should be a valid integer, got a number with a fractional part"
            raise refused("int_from_float", text, value)
        if not -(2**63) < value < 2**63:
            raise _too_large(value)
        return int(value)
    if not isinstance(value, str):
        raise refused("int_type", "Input should be a valid integer", value)
    refuse_broken(value)
    digits = value.strip(BLANKS)
    if len(digits) > MOST_CHARACTERS:
        raise _too_large(value)
    if WHOLE.fullmatch(digits) is None:
        text = "Input should be a valid integer, unable to parse string as an integer"
        raise refused("int_parsing", text, value)
    return int(digits.partition(".")[0])


def _too_large(value: Any) -> ma.ValidationError:
    text = "Unable to parse input string as an integer, exceeded maximum size"
    return refused("int_parsing_size", text, value)


def _real(value: Any) -> float:
    if isinstance(value, str):
        refuse_broken(value)
        digits = value.strip(BLANKS)
        joined = digits.replace("_", "")
        misplaced = digits.startswith("_") or digits.endswith("_") or "__" in digits
        if misplaced or REAL.fullmatch(joined) is None:
            text = "Input should be a valid number, unable to parse string as a number"
            raise refused("float_parsing", text, value)
        return float(joined)
    try:
        if isinstance(value, int | float):
            return float(value)
    except OverflowError:
        pass
    raise refused("float_type", "Input should be a valid number", value)


def _plainly(bound: int | float) -> str:
    """A bound without an exponent and without a fraction of nothing."""
    text = format(Decimal(repr(bound)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
