"""Database errors in the words of MariaDB 10.11, whichever database raised them."""

from __future__ import annotations

from collections.abc import Sequence

from legacy.spot_schema import DATABASE_NAME, ForeignKey

_SQLSTATES = {
    1044: "42000",
    1045: "28000",
    1048: "23000",
    1049: "42000",
    1052: "23000",
    1054: "42S22",
    1062: "23000",
    1064: "42000",
    1136: "21S01",
    1146: "42S02",
    1213: "40001",
    1264: "22003",
    1265: "01000",
    1292: "22007",
    1305: "42000",
    1365: "22012",
    1366: "22007",
    1406: "22001",
    1451: "23000",
    1452: "23000",
    1690: "22003",
    4025: "23000",
}
_SHOWN_VALUE = 125


class DatabaseError(Exception):
    """A statement failed. ``str()`` is the text that clients of the monolith see.

    ``errno`` is MySQL's number, or 0 for the texts that have none; ``sqlstate`` is looked up where it is not given.
    """

    def __init__(self, message: str, errno: int = 0, sqlstate: str | None = None) -> None:
        state = sqlstate or _SQLSTATES.get(errno, "HY000")
        super().__init__(f"{errno} ({state}): {message}" if errno else message)
        self.errno = errno


def pool_exhausted() -> DatabaseError:
    return DatabaseError("Failed getting connection; pool exhausted")


def unread_result() -> DatabaseError:
    return DatabaseError("Unread result found")


def not_convertible(value: object) -> DatabaseError:
    return DatabaseError(f"Python type {type(value).__name__} cannot be converted")


def wrong_parameter_count() -> DatabaseError:
    return DatabaseError("The number of parameters differs from the number of placeholders")


def null_refused(column: str) -> DatabaseError:
    return DatabaseError(f"Column '{column}' cannot be null", 1048)


def ambiguous_column(column: str, clause: str) -> DatabaseError:
    return DatabaseError(f"Column '{column}' in {clause} is ambiguous", 1052)


def unknown_column(column: str, clause: str) -> DatabaseError:
    return DatabaseError(f"Unknown column '{column}' in '{clause}'", 1054)


def duplicate(values: Sequence[object], key: str) -> DatabaseError:
    return DatabaseError(f"Duplicate entry '{'-'.join(map(str, values))}' for key '{key}'", 1062)


def syntax(near: str, line: int) -> DatabaseError:
    return DatabaseError(
        "You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version "
        f"for the right syntax to use near '{near}' at line {line}",
        1064,
    )


def value_count() -> DatabaseError:
    return DatabaseError("Column count doesn't match value count at row 1", 1136)


def no_table(table: str) -> DatabaseError:
    return DatabaseError(f"Table '{DATABASE_NAME}.{table}' doesn't exist", 1146)


def lock_timeout() -> DatabaseError:
    return DatabaseError("Lock wait timeout exceeded; try restarting transaction", 1205)


def out_of_range(column: str) -> DatabaseError:
    return DatabaseError(f"Out of range value for column '{column}' at row 1", 1264)


def truncated(column: str) -> DatabaseError:
    return DatabaseError(f"Data truncated for column '{column}' at row 1", 1265)


def incorrect(what: str, value: object, table: str, column: str) -> DatabaseError:
    """``what`` is datetime, date, integer or decimal."""
    text = str(value)
    shown = f"{text[:_SHOWN_VALUE]}..." if len(text) > _SHOWN_VALUE else text
    return DatabaseError(
        f"Incorrect {what} value: '{shown}' for column `{DATABASE_NAME}`.`{table}`.`{column}` at row 1",
        1292 if what.startswith("date") else 1366,
    )


def text_as_number(text: str) -> DatabaseError:
    return DatabaseError(f"Truncated incorrect DECIMAL value: '{text}'", 1292)


def no_function(name: str) -> DatabaseError:
    return DatabaseError(f"FUNCTION {DATABASE_NAME}.{name} does not exist", 1305)


def no_default(column: str) -> DatabaseError:
    return DatabaseError(f"Field '{column}' doesn't have a default value", 1364)


def too_long(column: str) -> DatabaseError:
    return DatabaseError(f"Data too long for column '{column}' at row 1", 1406)


def no_parent(table: str, foreign_key: ForeignKey | None) -> DatabaseError:
    constraint = f", {foreign_key}" if foreign_key else ""
    return DatabaseError(
        f"Cannot add or update a child row: a foreign key constraint fails (`{DATABASE_NAME}`.`{table}`{constraint})",
        1452,
    )


def check_failed(constraint: str, table: str) -> DatabaseError:
    return DatabaseError(f"CONSTRAINT `{constraint}` failed for `{DATABASE_NAME}`.`{table}`", 4025)
