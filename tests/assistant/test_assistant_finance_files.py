"""Expenses from and to CSV: all or nothing, and no formula for a spreadsheet program."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.assistant.services.spreadsheet import harmless, original, written
from tests.assistant.tools import Tools

SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
#: Any text that can be kept: spaces around it are not part of what is told.
TEXTS = (
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40)
    .map(str.strip)
    .filter(bool)
)
ROWS = st.fixed_dictionaries(
    {
        "date": st.dates(dt.date(1970, 1, 1), dt.date(2999, 12, 31)).map(str),
        "description": TEXTS,
        "amount": st.integers(1, 10**12 - 1).map(lambda cents: f"{cents // 100}.{cents % 100:02}"),
        "category": TEXTS,
        "vendor": st.none() | TEXTS,
        "tax_deductible": st.booleans(),
        "notes": st.none() | TEXTS,
    }
)


def kept(tools: Tools) -> list[dict[str, Any]]:
    rows = tools.finance("expenses", limit=500)["expenses"]
    return [{name: value for name, value in row.items() if name not in ("id", "created_at")} for row in rows]


@SHARED
@given(rows=st.lists(ROWS, max_size=6))
def test_what_is_exported_can_be_imported_again(tools: Tools, rows: list[dict[str, Any]]) -> None:
    tools.sql("DELETE FROM expenses")
    for row in rows:
        tools.finance("add_transaction", **row)
    before = kept(tools)
    file = tools.finance("export_expenses")
    tools.sql("DELETE FROM expenses")
    assert tools.finance("import_expenses", csv=file["csv"])["imported"] == len(rows) == file["rows"]
    assert kept(tools) == before


@given(cells=st.lists(st.text(st.characters(exclude_characters="\0")), min_size=2, max_size=2))
def test_no_cell_begins_a_formula_and_none_is_lost(cells: list[str]) -> None:
    head, read = csv.reader(io.StringIO(written(("a", "b"), [cells]), newline=""))
    assert head == ["a", "b"]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in read)
    assert [original(cell) for cell in read] == cells


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\uff1d1", "'=1"])
def test_formulas_are_marked(formula: str) -> None:
    assert harmless(formula) == f"'{formula}"
    assert original(harmless(formula)) == formula


@pytest.mark.parametrize("text", ["", "a=b", "O'Neill", "'tis", "12.50"])
def test_other_texts_are_left_alone(text: str) -> None:
    assert original(harmless(text)) == text


def test_a_file_is_imported(tools_anywhere: Tools) -> None:
    text = '\ufeffAmount,Description,Date,Tax_Deductible\r\n12.50,IDE,2025-01-31,no\r\n\r\n0.10,"Tea, black",,\r\n'
    assert tools_anywhere.finance("import_expenses", csv=text) == {"imported": 2, "amount": "12.60"}
    tea, ide = tools_anywhere.finance("expenses")["expenses"]
    assert (tea["description"], tea["category"], tea["tax_deductible"]) == ("Tea, black", "Other", True)
    assert (ide["date"], ide["amount"], ide["tax_deductible"]) == ("2025-01-31", "12.50", False)


def test_errors_are_told_by_line_and_nothing_is_kept(tools: Tools) -> None:
    text = 'description,amount,date\nIDE,12.50,2025-01-31\n"two\nlines",1.234,\n,5,2025-02-30\nTea,x,\n'
    complaints = tools.refused("finance", "import_expenses", 422, csv=text)
    assert [(*complaint["loc"][3:], complaint["type"]) for complaint in complaints] == [
        (3, "amount", "decimal_max_places"),
        (5, "date", "date_parsing"),
        (5, "description", "missing"),
        (6, "amount", "decimal_parsing"),
    ]
    assert all(complaint["loc"][:3] == ["body", "parameters", "csv"] for complaint in complaints)
    assert kept(tools) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "first line"),
        ("amount\n1\n", "first line"),
        ("amount,description,colour\n1,x,red\n", "first line"),
        ("amount,amount,description\n1,2,x\n", "first line"),
        ("amount,description\n1,x,y\n", "line 2 has 3 cells"),
        ('amount,description\n1,"x\n', "not CSV"),
        ("amount,description\n" + "1,x\n" * 5001, "at most 5000 lines"),
    ],
)
def test_what_is_no_such_file_is_refused(tools: Tools, text: str, words: str) -> None:
    (complaint,) = tools.refused("finance", "import_expenses", 422, csv=text)
    assert words in complaint["msg"]
    assert kept(tools) == []


def test_only_so_many_complaints_are_told(tools: Tools) -> None:
    complaints = tools.refused("finance", "import_expenses", 422, csv="amount,description\n" + "x,\n" * 300)
    assert len(complaints) == 100
