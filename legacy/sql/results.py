"""Rows of SQLite in the types that the MySQL driver gives: naive datetimes, dates and Decimals."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from legacy.sql.values import parse_stamp, round_half_up

Reader = Callable[[Any], Any]

_STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DECIMAL = re.compile(r"(?:DECIMAL|NUMERIC)\s*\(\s*\d+\s*(?:,\s*(\d+)\s*)?\)")
_EXPRESSION_SCALE = 10
_VIEW = "declared_types"


def readers(connection: sqlite3.Connection, select: str) -> list[Reader]:
    """One reader per column of a query written without placeholders.

    The driver does not tell declared types; SQLite does tell them for the columns of a view. An expression has no
    declared type: there the form of the value decides.
    """
    connection.execute(f"CREATE TEMP VIEW {_VIEW} AS {select}")
    try:
        columns = connection.execute(f"PRAGMA temp.table_info({_VIEW})").fetchall()
    finally:
        connection.execute(f"DROP VIEW temp.{_VIEW}")
    return [_reader(str(column[2]).upper()) for column in columns]


def _reader(declared: str) -> Reader:
    if declared.startswith(("TIMESTAMP", "DATETIME")):
        return _as_stamp
    if declared == "DATE":
        return _as_date
    if match := _DECIMAL.match(declared):
        scale = int(match[1] or 0)
        return lambda value: round_half_up(Decimal(str(value)), scale) if isinstance(value, (int, float)) else value
    if declared.startswith("JSON"):
        return lambda value: value if value is None else str(value)
    if "CHAR" in declared or "TEXT" in declared:
        return lambda value: value
    return _by_form


def _as_stamp(value: Any) -> Any:
    moment = parse_stamp(value) if isinstance(value, str) else None
    return value if moment is None else moment.replace(microsecond=0)


def _as_date(value: Any) -> Any:
    return date.fromisoformat(value[:10]) if isinstance(value, str) and _DATE.match(value) else value


def _by_form(value: Any) -> Any:
    if isinstance(value, float):
        return round_half_up(Decimal(str(value)), _EXPRESSION_SCALE).normalize() + 0
    if isinstance(value, str) and _STAMP.fullmatch(value):
        return datetime.fromisoformat(value).replace(microsecond=0)
    if isinstance(value, str) and _DATE.fullmatch(value):
        return date.fromisoformat(value)
    return value
