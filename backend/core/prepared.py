"""Statements that are understood once and then only sent.

SQLAlchemy looks at a statement anew at each execution: is its SQL known, which columns come back, how are they read?
That takes longer than most of our statements do. It is done here at the first execution, and kept.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.engine import Dialect, IteratorResult
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.sql.compiler import SQLCompiler

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
        self._metadata: SimpleResultMetaData | None = None
        self._read: list[tuple[int, Convert]] = []
        constants = compiled.construct_params(_check=False)
        self._parameters: list[Parameter] = [
            (name, _writer(bind, dialect), constants[name]) for bind, name in compiled.bind_names.items()
        ]

    def text(self, parameters: Mapping[str, Any], escape: Convert) -> bytes:
        """The statement with its parameters in it, as `escape` writes them."""
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
        if self._metadata is None:
            self._metadata = self._understood(description)
        if self._read and rows:
            rows = [self._converted(row) for row in rows]
        return IteratorResult(self._metadata, iter(rows))

    def dicts(self, description: Sequence[Any], rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
        """What the driver answered, each row as a dict by the names of its columns."""
        names = list(self.result(description, ()).keys())
        read = self._read
        found = [dict(zip(names, row, strict=True)) for row in rows]
        for index, convert in read:
            name = names[index]
            for row in found:
                row[name] = convert(row[name])
        return found

    def _understood(self, description: Sequence[Any]) -> SimpleResultMetaData:
        reading = [
            column.type.dialect_impl(self._dialect).result_processor(self._dialect, described[1])
            for column, described in zip(self._columns, description, strict=True)
        ]
        self._read = [(index, convert) for index, convert in enumerate(reading) if convert is not None]
        return SimpleResultMetaData([column.keyname for column in self._columns])

    def _converted(self, row: Sequence[Any]) -> tuple[Any, ...]:
        values = list(row)
        for index, convert in self._read:
            values[index] = convert(values[index])
        return tuple(values)


def _writer(bind: Any, dialect: Dialect) -> Convert | None:
    convert: Convert | None = bind.type.dialect_impl(dialect).bind_processor(dialect)
    return convert
