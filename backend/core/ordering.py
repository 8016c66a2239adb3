"""An order that all databases agree about."""

from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class NewestFirst(FunctionElement[Any]):
    """Descending, with NULLs last: `order_by(NewestFirst(column))`."""

    inherit_cache = True


@compiles(NewestFirst)
def _nulls_are_lowest(element: NewestFirst, compiler: SQLCompiler, **options: Any) -> str:
    return f"{compiler.process(element.clauses, **options)} DESC"


@compiles(NewestFirst, "postgresql")
def _nulls_are_highest(element: NewestFirst, compiler: SQLCompiler, **options: Any) -> str:
    return f"{compiler.process(element.clauses, **options)} DESC NULLS LAST"
