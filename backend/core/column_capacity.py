"""Whether a column that exists can hold whatever a described one can."""

from dataclasses import dataclass
from enum import Enum, auto
from math import inf
from typing import Any

from sqlalchemy import types
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect


class Kind(Enum):
    """What a column holds."""

    TEXT = auto()
    NUMBER = auto()
    TIME = auto()
    DATE = auto()
    OTHER = auto()


@dataclass(frozen=True)
class Capacity:
    """How much a column holds: characters of a text; digits of a number before and behind its point."""

    kind: Kind
    size: float = inf
    fraction: float = 0


def can_hold(found: types.TypeEngine[Any], needed: types.TypeEngine[Any], dialect: Dialect) -> bool:
    """Whether a column of type `found` can hold all values of type `needed`."""
    if dialect.name == "mysql":
        needed = needed.dialect_impl(dialect)
    if isinstance(found, types.Enum) and found.enums:
        return isinstance(needed, types.Enum) and set(needed.enums) <= set(found.enums)
    has, needs = _capacity(found), _capacity(needed)
    if dialect.name == "sqlite":
        # Any column holds any text and any number; the declared type only says how they are compared.
        return has.kind == needs.kind or (needs.kind in (Kind.TIME, Kind.DATE) and has.kind is not Kind.NUMBER)
    kinds_fit = has.kind == needs.kind or (has.kind, needs.kind) == (Kind.TIME, Kind.DATE)
    return kinds_fit and has.size >= needs.size and has.fraction >= needs.fraction


def _capacity(kind: types.TypeEngine[Any]) -> Capacity:
    match kind:
        case types.JSON() | types.Text():
            return Capacity(Kind.TEXT)
        case types.Enum():
            return Capacity(Kind.TEXT, max(map(len, kind.enums)))
        case types.String():
            return Capacity(Kind.TEXT, kind.length or inf)
        case types.Boolean() | types.Integer():
            return Capacity(Kind.NUMBER, _whole_digits(kind))
        case types.Float():
            return Capacity(Kind.NUMBER, fraction=inf)
        case types.Numeric():
            scale = kind.scale or 0
            return Capacity(Kind.NUMBER, inf if kind.precision is None else kind.precision - scale, scale)
        case types.DateTime():
            return Capacity(Kind.TIME)
        case types.Date():
            return Capacity(Kind.DATE)
    return Capacity(Kind.OTHER)


def _whole_digits(kind: types.TypeEngine[Any]) -> int:
    """Digits of the largest whole number."""
    match kind:
        case types.Boolean() | mysql.TINYINT():
            return 3
        case types.SmallInteger():
            return 5
        case mysql.MEDIUMINT():
            return 7
        case types.BigInteger():
            return 19
    return 10
