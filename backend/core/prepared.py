"""Statements that are understood once and then only sent.

SQLAlchemy looks at a statement anew at each execution: is its SQL known, which columns come back, how are they read?
That takes longer than most of our statements do. It is done here at the first execution, and kept.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.engine import Dialect, IteratorResult
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.sql.compiler import SQLCompiler

from backend.core.strict_types import StrictDecimal
from backend.core.unread_rows import Reader, UnreadRows

Convert = Callable[[Any], Any]
#: Its name, how a value is made what the database takes, and the value that it has unless another one is given.
Parameter = tuple[str, Convert | None, Any]

LIST = re.compile(r"__\[POSTCOMPILE_(\w+)\]")
VALUES, ADDITION = " VALUES ", " ON DUPLICATE KEY UPDATE "


class Prepared:
    """A constant statement. Its parameters are `bindparam`s; an expanding one takes a list that is not empty."""

    def __init__(self, statement: Executable) -> None:
        self.statement = statement
        self._plans: dict[Dialect, Plan] = {}

    def plan(self, dialect: Dialect) -> "Plan":
        """How to send it to databases of this dialect, whose driver must know parameters by name (`%(name)s`)."""
        plan = self._plans.get(dialect)
        if plan is None:
            plan = self._plans[dialect] = Plan(self.statement.compile(dialect=dialect), dialect)  # type: ignore[attr-defined]
        return plan


class Plan:
    """The SQL of a statement, and what is to be done with its parameters and columns."""

    def __init__(self, compiled: SQLCompiler, dialect: Dialect) -> None:
        self.sql = LIST.sub(r"%(\1)s", str(compiled))
        self._lists = frozenset(LIST.findall(str(compiled)))
        self._dialect = dialect
        self._columns = compiled._result_columns
        self._names = [column.keyname for column in self._columns]
        self._metadata = SimpleResultMetaData(self._names)
        self._understood: tuple[Sequence[Reader], Sequence[Reader]] = ((), ())
        constants = compiled.construct_params(_check=False)
        self._parameters: list[Parameter] = [
            (name, _writer(bind, dialect), constants[name]) for bind, name in compiled.bind_names.items()
        ]
        self._constant = None if self._parameters else (self.sql % {}).encode()

    def text(self, parameters: Mapping[str, Any], escape: Convert) -> bytes:
        """The statement with its parameters in it, as `escape` writes them."""
        if self._constant is not None:
            return self._constant
        return (self.sql % self._written(self._parameters, parameters, escape)).encode()

    def text_of_many(self, rows: Sequence[Mapping[str, Any]], escape: Convert) -> bytes:
        """The same for an INSERT of several rows at once."""
        head, _, rest = self.sql.partition(VALUES)
        row, addition, tail = rest.partition(ADDITION)
        texts: dict[str, str] = {}
        before: Mapping[str, Any] = {}
        written = []
        for parameters in rows:
            # What is the very same as in the row before, as most is, is not written anew.
            news = [
                parameter
                for parameter in self._parameters
                if parameter[0] not in texts or parameters.get(parameter[0]) is not before.get(parameter[0])
            ]
            texts |= self._written(news, parameters, escape)
            written.append(row % texts)
            before = parameters
        return f"{head}{VALUES}{', '.join(written)}{addition}{tail}".encode()

    def _written(self, wanted: Sequence[Parameter], parameters: Mapping[str, Any], escape: Convert) -> dict[str, str]:
        written = {}
        for name, convert, constant in wanted:
            value = parameters.get(name, constant)
            if name in self._lists:
                written[name] = ", ".join([escape(item if convert is None else convert(item)) for item in value])
            else:
                written[name] = escape(value if convert is None else convert(value))
        return written

    def result(self, description: Sequence[Any], rows: Sequence[Sequence[Any]]) -> IteratorResult[Any]:
        """What the driver answered, as SQLAlchemy answers it."""
        return IteratorResult(self._metadata, iter(self._values(description, rows)))

    def dicts(self, description: Sequence[Any], rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
        """What the driver answered, each row as a dict by the names of its columns."""
        names = self._names
        return [dict(zip(names, row, strict=True)) for row in self._values(description, rows)]

    def _values(self, description: Sequence[Any], rows: Sequence[Sequence[Any]]) -> Iterable[Sequence[Any]]:
        if not isinstance(rows, UnreadRows):
            # What answers no rows says so with none.
            return rows
        drivers, readers = self._understood
        if drivers is not rows.readers:
            columns = zip(self._columns, description, rows.readers, strict=True)
            readers = [self._reader(column.type, described, read) for column, described, read in columns]
            self._understood = rows.readers, readers
        return rows.read(readers)

    def _reader(self, kind: Any, described: Sequence[Any], read: Reader) -> Reader:
        """How to make a value of SQLAlchemy's of what the driver would make something else of first."""
        if isinstance(kind, StrictDecimal):
            return _float_of(kind.scale, described)
        convert = kind.dialect_impl(self._dialect).result_processor(self._dialect, described[1])
        return read if convert is None else lambda octets: convert(read(octets))


def _float_of(most_digits: int, described: Sequence[Any]) -> Reader:
    """What StrictDecimal makes of what the driver would make a Decimal of first."""
    scale = described[5]
    return float if scale <= most_digits else lambda text: round(float(text), most_digits)


def _writer(bind: Any, dialect: Dialect) -> Convert | None:
    convert: Convert | None = bind.type.dialect_impl(dialect).bind_processor(dialect)
    return convert
