"""Texts that differ only in case, accents or trailing spaces count as equal, on every database."""

import unicodedata
from typing import Any

from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class Alike(FunctionElement[Any]):
    """An operand to compare so: `Alike(column) == Alike(value)`.

    The collation of MySQL's columns compares so by itself; SQLite gets a function for it.
    """

    name = "alike"
    inherit_cache = True


@compiles(Alike)
def _as_it_is(element: Alike, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(Alike, "sqlite")
def _by_function(element: Alike, compiler: SQLCompiler, **options: Any) -> str:
    return f"alike({compiler.process(element.clauses, **options)})"


def add_to_sqlite(connection: DBAPIConnection) -> None:
    """Tell a new SQLite connection the function."""
    connection.create_function("alike", 1, _plain, deterministic=True)


def _plain(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    letters = (char for char in unicodedata.normalize("NFKD", text) if unicodedata.category(char) != "Mn")
    return "".join(letters).casefold().rstrip(" ")
