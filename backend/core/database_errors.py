"""One wording for what a database refuses: MySQL's numbers and words, whatever the database is."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Table
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DontWrapMixin

DEADLOCK = 1213
SQL_STATES = {
    1040: "08004",
    1044: "42000",
    1045: "28000",
    1046: "3D000",
    1048: "23000",
    1049: "42000",
    1054: "42S22",
    1062: "23000",
    1064: "42000",
    1146: "42S02",
    1213: "40001",
    1264: "22003",
    1265: "01000",
    1292: "22007",
    1365: "22012",
    1366: "22007",
    1406: "22001",
    1451: "23000",
    1452: "23000",
    4025: "23000",
}


class StatementRefusedError(DontWrapMixin, Exception):
    """A statement the database would not carry out, worded `<errno> (<sqlstate>): <message>`."""

    def __init__(self, errno: int, message: str, sqlstate: str | None = None) -> None:
        super().__init__(f"{errno} ({sqlstate or SQL_STATES.get(errno, 'HY000')}): {message}")
        self.errno = errno


class ValueRefusedError(StatementRefusedError):
    """A value its column cannot hold. The old side only met these for rows that a statement really touched."""


class UnsupportedValueError(DontWrapMixin, Exception):
    """A value no database driver takes, such as an object or a list."""

    def __init__(self, value: object) -> None:
        super().__init__(f"Python type {type(value).__name__} cannot be converted")


def duplicate_entry(values: Iterable[Any], key: str) -> StatementRefusedError:
    """There is a row with these values in the unique `key` already."""
    return StatementRefusedError(1062, f"Duplicate entry '{'-'.join(map(str, values))}' for key '{key}'")


def broken_foreign_key(broken: ForeignKeyConstraint | None, *, parent: bool = False) -> StatementRefusedError:
    """A row whose parent does not exist, or (`parent`) a parent that still has rows; None when the key is not known."""
    errno, row = (1451, "delete or update a parent") if parent else (1452, "add or update a child")
    text = f"Cannot {row} row: a foreign key constraint fails"
    if broken is not None:
        (reference,) = broken.elements
        text += (
            f" (`main`.`{broken.table.name}`, CONSTRAINT `{broken.name}` FOREIGN KEY (`{reference.parent.name}`) "
            f"REFERENCES `{reference.column.table.name}` (`{reference.column.name}`) ON DELETE {broken.ondelete})"
        )
    return StatementRefusedError(errno, text)


def table_and_values(context: ExceptionContext) -> tuple[Table | None, dict[str, Any]]:
    """The table a failed INSERT, UPDATE or DELETE was for, and the values it was sent with."""
    execution = context.execution_context
    compiled = getattr(execution, "compiled", None)
    table = getattr(getattr(compiled, "statement", None), "table", None)
    parameters = getattr(execution, "compiled_parameters", None) or [{}]
    return (table if isinstance(table, Table) else None), parameters[0]
