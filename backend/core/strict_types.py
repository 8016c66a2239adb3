"""Column types that refuse what MySQL's strict mode refuses, with its words, on every database.

A type is asked only for values that are stored; values that are merely compared pass unchecked, so that looking for
a text longer than its column finds nothing instead of failing.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from math import isfinite
from typing import Any

from sqlalchemy import BigInteger, Date, DateTime, Integer, Numeric, String, Table, Text, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import Column
from sqlalchemy.types import TypeDecorator, TypeEngine

from backend.core.database_errors import StatementRefusedError, UnsupportedValueError, ValueRefusedError
from backend.core.postgresql import CaselessText, UntypedOperand

NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
TIMESTAMP = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.\d{0,9})?)?(Z|[+-]\d{2}:\d{2})?)?"
)
MOST_DIGITS = 64
EXACT = Context(prec=2 * MOST_DIGITS)
EARLIEST, LATEST = datetime(1970, 1, 1, 0, 0, 1), datetime(2038, 1, 19, 3, 14, 7)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return value if isinstance(value, str) else str(value)


class Operand(TypeDecorator[Any]):
    """A value that is compared with a text: anything a driver can send."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """PostgreSQL is not told a type: then it takes that of the other side."""
        return dialect.type_descriptor(UntypedOperand() if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Refuse objects and lists, as a driver would. Spaces at the end of a text never made a difference to MySQL."""
        if isinstance(value, dict | list):
            raise UnsupportedValueError(value)
        if dialect.name == "postgresql":
            value = self.for_postgresql(value)
        return value.rstrip(" ") if isinstance(value, str) else value

    def for_postgresql(self, value: Any) -> Any:
        """A text, the only thing that PostgreSQL compares with texts. None of its own has U+0000 in it."""
        return None if value is None else _as_text(value).replace("\0", "\ufffd")


class NumberOperand(Operand):
    """A value that is compared, or reckoned, with a number."""

    cache_ok = True

    def for_postgresql(self, value: Any) -> Any:
        """The number a text begins with, as MySQL reads it; decimal fractions as exact as the columns have them."""
        if value is None or isinstance(value, int):
            return None if value is None else int(value)
        found = NUMBER.match(str(value))
        return Decimal(found.group().strip()) if found else 0


class StrictType(TypeDecorator[Any]):
    """What all strict types share: NULL and objects are refused here, the rest by `accept`."""

    impl: Any = String
    cache_ok = True
    column: "Column[Any] | None" = None

    def __init_subclass__(cls, **options: Any) -> None:
        """SQLAlchemy wants to hear of every class that it may cache statements with its types."""
        super().__init_subclass__(**options)
        cls.cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """The value as it is stored; raises ValueRefusedError or UnsupportedValueError."""
        if isinstance(value, dict | list):
            raise UnsupportedValueError(value)
        if isinstance(value, float) and not isfinite(value):
            # MySQL has no literal for it and takes the word for the name of a column.
            raise StatementRefusedError(1054, f"Unknown column '{abs(value)}' in 'VALUES'")
        if value is not None:
            return self.accept(value)
        if self.column is not None and not self.column.nullable:
            raise ValueRefusedError(1048, f"Column '{self.column.name}' cannot be null")
        return None

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        """Compared values are not checked."""
        return Operand()

    def accept(self, value: Any) -> Any:
        """Turn a value that is neither NULL nor an object into what is stored."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """The column's name, for messages."""
        return self.column.name if self.column is not None else "?"

    def incorrect(self, errno: int, kind: str, value: Any) -> ValueRefusedError:
        """The complaint about a value of the wrong form."""
        table = self.column.table.name if self.column is not None else "?"
        return ValueRefusedError(
            errno, f"Incorrect {kind} value: '{value}' for column `{table}`.`{self.name}` at row 1"
        )

    def out_of_range(self) -> ValueRefusedError:
        """The complaint about a number that does not fit."""
        return ValueRefusedError(1264, f"Out of range value for column '{self.name}' at row 1")

    def number(self, value: Any, kind: str) -> Decimal:
        """The value as a finite number; raises ValueRefusedError when it is none."""
        text = _as_text(value)
        found = NUMBER.match(text)
        if found is None:
            raise self.incorrect(1366, kind, value)
        if text[found.end() :].strip():
            raise ValueRefusedError(1265, f"Data truncated for column '{self.name}' at row 1")
        number = Decimal(found.group().strip())
        if number.adjusted() > MOST_DIGITS:
            raise self.out_of_range()
        return number


class StrictString(StrictType):
    """VARCHAR or CHAR of at most `length` characters; spaces beyond that are cut, anything else is refused."""

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """On PostgreSQL a type of its own, which compares as MySQL's texts do."""
        return dialect.type_descriptor(CaselessText() if dialect.name == "postgresql" else String(self.length))

    def accept(self, value: Any) -> str:
        text = _as_text(value)
        if len(text) > self.length:
            if text[self.length :].strip(" "):
                raise ValueRefusedError(1406, f"Data too long for column '{self.name}' at row 1")
            text = text[: self.length]
        return text


class StrictText(StrictType):
    """TEXT: at most 65535 bytes of UTF-8."""

    impl = Text

    def accept(self, value: Any) -> str:
        text = _as_text(value)
        if len(text) > 16383 and len(text.encode()) > 65535:
            raise ValueRefusedError(1406, f"Data too long for column '{self.name}' at row 1")
        return text


class StrictNumber(StrictType):
    """What all numbers share."""

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        """Compared values are not checked."""
        return NumberOperand()


class StrictInteger(StrictNumber):
    """A whole number of `bits` bits; fractions are rounded half away from zero."""

    impl = Integer

    def __init__(self, bits: int = 32) -> None:
        super().__init__()
        self.bits = bits

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """PostgreSQL is told how large it may be."""
        return dialect.type_descriptor(BigInteger() if self.bits > 32 else Integer())

    def accept(self, value: Any) -> int:
        if isinstance(value, int):
            whole = int(value)
        else:
            whole = int(self.number(value, "integer").to_integral_value(ROUND_HALF_UP))
        if not -(2 ** (self.bits - 1)) <= whole < 2 ** (self.bits - 1):
            raise self.out_of_range()
        return whole


class StrictFlag(StrictInteger):
    """A truth value kept, and answered, as 0 or 1."""

    def __init__(self) -> None:
        super().__init__(8)


class StrictDecimal(StrictNumber):
    """DECIMAL(precision, scale), rounded half away from zero; it, and sums of it, are read back as float."""

    impl = Numeric

    def __init__(self, precision: int, scale: int) -> None:
        super().__init__(precision, scale, asdecimal=False)
        self.precision = precision
        self.scale = scale
        self._smallest = Decimal(1).scaleb(-scale)
        self._beyond = Decimal(10) ** (precision - scale)

    def accept(self, value: Any) -> Decimal:
        number = self.number(value, "decimal")
        rounded = number.quantize(self._smallest, ROUND_HALF_UP, EXACT)
        if abs(rounded) >= self._beyond:
            raise self.out_of_range()
        return rounded

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], float | None]:
        """Always a float, of no more digits than the column has: SQLite keeps whatever others write."""
        scale = self.scale
        return lambda value: None if value is None else round(float(value), scale)


class StrictTimestamp(StrictType):
    """A UTC time to the second, naive in Python. Texts may carry a zone: `Z` or `+hh:mm`. Fractions are cut."""

    impl = DateTime

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """On SQLite the text `YYYY-MM-DD HH:MM:SS`, which sorts as the time does."""
        if dialect.name == "sqlite":
            storage = "%(year)04d-%(month)02d-%(day)02d %(hour)02d:%(minute)02d:%(second)02d"
            return dialect.type_descriptor(sqlite.DATETIME(storage_format=storage))
        return dialect.type_descriptor(DateTime())

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        """Times are compared in the form they are stored in."""
        return self

    def accept(self, value: Any) -> datetime:
        moment = value if isinstance(value, datetime) else self._parse(value)
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        if not EARLIEST <= moment <= LATEST:
            raise self.incorrect(1292, "datetime", value)
        return moment.replace(microsecond=0)

    def _parse(self, value: Any) -> datetime:
        found = TIMESTAMP.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise self.incorrect(1292, "datetime", value)
        *numbers, zone = found.groups()
        try:
            moment = datetime(*(int(number or 0) for number in numbers))  # type: ignore[arg-type]
            return moment if zone is None else datetime.fromisoformat(f"{moment.isoformat()}{zone}")
        except ValueError:
            raise self.incorrect(1292, "datetime", value) from None


class StrictDate(StrictType):
    """A day. Texts are read as ISO 8601 has them: `YYYY-MM-DD`."""

    impl = Date

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        """Days are compared in the form they are stored in."""
        return self

    def accept(self, value: Any) -> date:
        if isinstance(value, date):
            return value.date() if isinstance(value, datetime) else value
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            raise self.incorrect(1292, "date", value) from None


class StrictEnum(StrictString):
    """One of a list of texts."""

    def __init__(self, *values: str) -> None:
        super().__init__(max(len(value) for value in values))
        self.values = values

    def accept(self, value: Any) -> str:
        for known in self.values:
            if known == _as_text(value).lower():
                return known
        raise ValueRefusedError(1265, f"Data truncated for column '{self.name}' at row 1")


class JsonText(StrictType):
    """JSON kept as text; None is NULL."""

    impl = Text

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """The JSON text of anything but None."""
        return None if value is None else json.dumps(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """The value the text stands for."""
        return json.loads(value) if isinstance(value, str | bytes) else value


@event.listens_for(Column, "after_parent_attach")
def _tell_type_its_column(column: "Column[Any]", parent: Any) -> None:
    """Complaints name the column, so a strict type has to know where it is used."""
    if isinstance(parent, Table) and isinstance(column.type, StrictType):
        column.type.column = column
