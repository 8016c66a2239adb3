"""Values a column refuses, in MySQL's words, on every database."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Column, MetaData, Table
from sqlalchemy.dialects import mysql, sqlite

from backend.core.database_errors import StatementRefusedError, UnsupportedValueError, ValueRefusedError
from backend.core.strict_types import (
    JsonText,
    StrictDecimal,
    StrictEnum,
    StrictFlag,
    StrictInteger,
    StrictString,
    StrictText,
    StrictTimestamp,
    StrictType,
)


def stored(column_type: StrictType, value: Any) -> Any:
    Table("t", MetaData(), Column("c", column_type))
    return column_type.process_bind_param(value, sqlite.dialect())


@pytest.mark.parametrize(
    ("column_type", "value", "kept"),
    [
        (StrictString(5), "hello", "hello"),
        (StrictString(5), "hello   ", "hello"),
        (StrictString(5), True, "1"),
        (StrictString(5), 1.5, "1.5"),
        (StrictString(5), None, None),
        (StrictText(), "ü" * 32767, "ü" * 32767),
        (StrictInteger(), "12", 12),
        (StrictInteger(), 2.5, 3),
        (StrictInteger(), -2.5, -3),
        (StrictInteger(), " 7 ", 7),
        (StrictInteger(), "1e2", 100),
        (StrictFlag(), True, 1),
        (StrictFlag(), 5, 5),
        (StrictDecimal(10, 6), 0.1, Decimal("0.100000")),
        (StrictDecimal(10, 6), "0.0000005", Decimal("0.000001")),
        (StrictDecimal(10, 6), -9999.5, Decimal("-9999.500000")),
        (StrictTimestamp(), "2026-11-21T03:00:00.999999+00:00", datetime(2026, 11, 21, 3)),
        (StrictTimestamp(), "2026-11-21T03:00:00Z", datetime(2026, 11, 21, 3)),
        (StrictTimestamp(), "2026-11-21", datetime(2026, 11, 21)),
        (StrictTimestamp(), datetime(2026, 11, 21, 3, tzinfo=UTC), datetime(2026, 11, 21, 3)),
        (StrictEnum("full", "amis"), "FULL", "full"),
        (JsonText(), {"a": None}, '{"a": null}'),
        (JsonText(), None, None),
    ],
)
def test_what_is_kept(column_type: StrictType, value: Any, kept: Any) -> None:
    assert stored(column_type, value) == kept


@pytest.mark.parametrize(
    ("column_type", "value", "complaint"),
    [
        (StrictString(5), "hello!", "1406 (22001): Data too long for column 'c' at row 1"),
        (StrictText(), "ü" * 32768, "1406 (22001): Data too long for column 'c' at row 1"),
        (StrictInteger(), "yes", "1366 (22007): Incorrect integer value: 'yes' for column `t`.`c` at row 1"),
        (StrictInteger(), "", "1366 (22007): Incorrect integer value: '' for column `t`.`c` at row 1"),
        (StrictInteger(), "12abc", "1265 (01000): Data truncated for column 'c' at row 1"),
        (StrictInteger(), 2**31, "1264 (22003): Out of range value for column 'c' at row 1"),
        (StrictInteger(), "1e999999999", "1264 (22003): Out of range value for column 'c' at row 1"),
        (StrictDecimal(5, 2), "1e50", "1264 (22003): Out of range value for column 'c' at row 1"),
        (StrictFlag(), 128, "1264 (22003): Out of range value for column 'c' at row 1"),
        (StrictDecimal(10, 6), "abc", "1366 (22007): Incorrect decimal value: 'abc' for column `t`.`c` at row 1"),
        (StrictDecimal(10, 6), float("nan"), "1054 (42S22): Unknown column 'nan' in 'VALUES'"),
        (StrictString(5), float("-inf"), "1054 (42S22): Unknown column 'inf' in 'VALUES'"),
        (StrictDecimal(5, 2), 1000, "1264 (22003): Out of range value for column 'c' at row 1"),
        (StrictDecimal(5, 2), 999.999, "1264 (22003): Out of range value for column 'c' at row 1"),
        (StrictTimestamp(), "soon", "1292 (22007): Incorrect datetime value: 'soon' for column `t`.`c` at row 1"),
        (
            StrictTimestamp(),
            "2026-02-30",
            "1292 (22007): Incorrect datetime value: '2026-02-30' for column `t`.`c` at row 1",
        ),
        (
            StrictTimestamp(),
            "2050-01-01",
            "1292 (22007): Incorrect datetime value: '2050-01-01' for column `t`.`c` at row 1",
        ),
        (StrictTimestamp(), True, "1292 (22007): Incorrect datetime value: 'True' for column `t`.`c` at row 1"),
        (StrictEnum("full"), "half", "1265 (01000): Data truncated for column 'c' at row 1"),
        (StrictString(5), {}, "Python type dict cannot be converted"),
        (StrictInteger(), [], "Python type list cannot be converted"),
    ],
)
def test_what_is_refused(column_type: StrictType, value: Any, complaint: str) -> None:
    with pytest.raises((StatementRefusedError, UnsupportedValueError)) as refused:
        stored(column_type, value)
    assert str(refused.value) == complaint


def test_null_is_refused_where_the_column_says_so() -> None:
    column_type = StrictString(5)
    Table("t", MetaData(), Column("c", column_type, nullable=False))
    with pytest.raises(ValueRefusedError, match=r"^1048 \(23000\): Column 'c' cannot be null$"):
        column_type.process_bind_param(None, mysql.dialect())


def test_decimals_are_read_as_floats_whatever_the_driver_gives() -> None:
    for given in (0, 15, Decimal("15.00"), 15.0):
        read = StrictDecimal(5, 2).result_processor(sqlite.dialect(), None)(given)
        assert isinstance(read, float)
        assert read == given
