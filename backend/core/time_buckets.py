"""Putting times into hours or days, by number, on every database."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

HOUR, DAY = 3600, 86400
FIRST = datetime(1970, 1, 1)


class BucketNumber(FunctionElement[int]):
    """How many spans of `seconds` lie between the first of January 1970 and a UTC time."""

    type = BigInteger()
    inherit_cache = True

    def __init__(self, time: Any, seconds: int) -> None:
        # No parameter: databases would not see that what is selected is what is grouped by.
        super().__init__(time, literal_column(str(int(seconds))))


def bucket_start(number: int, seconds: int) -> datetime:
    """When the bucket of this number begins, in UTC."""
    return FIRST + timedelta(seconds=number * seconds)


def _operands(element: BucketNumber, compiler: SQLCompiler, options: dict[str, Any]) -> list[str]:
    return [compiler.process(operand, **options) for operand in element.clauses]


@compiles(BucketNumber, "sqlite")
def _on_sqlite(element: BucketNumber, compiler: SQLCompiler, **options: Any) -> str:
    time, seconds = _operands(element, compiler, options)
    return f"(CAST(strftime('%s', {time}) AS INTEGER) / {seconds})"


@compiles(BucketNumber, "mysql")
def _on_mysql(element: BucketNumber, compiler: SQLCompiler, **options: Any) -> str:
    time, seconds = _operands(element, compiler, options)
    return f"(UNIX_TIMESTAMP({time}) DIV {seconds})"


@compiles(BucketNumber, "postgresql")
def _on_postgresql(element: BucketNumber, compiler: SQLCompiler, **options: Any) -> str:
    time, seconds = _operands(element, compiler, options)
    # date_part counts in floating point, which EXTRACT has given up for much slower decimals.
    return f"CAST(FLOOR(date_part('epoch', {time}) / {seconds}) AS BIGINT)"
