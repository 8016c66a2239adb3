"""Texts that differ only in case, accents or trailing spaces count as equal, on every database."""

import unicodedata
from typing import Any

from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class Alike(FunctionElement[Any]):
    """An operand to compare so: `Alike(column) == Alike(value)`.

    The collations of the columns on MySQL and PostgreSQL compare so by themselves; SQLite gets a function for it.
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
    connection.create_function("alike", 1, _fold_any, deterministic=True)


def fold(text: str) -> str:
    """What all texts that count as equal have in common."""
    if text.isascii():
        return text.lower().rstrip(" ")
    letters = (char for char in unicodedata.normalize("NFKD", text) if unicodedata.category(char) != "Mn")
    return "".join(letters).casefold().rstrip(" ")


def _fold_any(value: Any) -> Any:
    return fold(value) if isinstance(value, str) else value
