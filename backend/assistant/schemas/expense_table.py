"""Expenses in a CSV text: all of its lines are right, or it is refused with what is wrong in each."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import marshmallow as ma

from backend.assistant.schemas.exact_fields import amount, day, phrase, required_phrase
from backend.assistant.services.spreadsheet import original
from backend.core.complaints import Complaint, complaints_in, refused_value
from backend.core.wire_fields import Flag, Text, WireSchema

MOST_CHARACTERS = 2_000_000
MOST_LINES = 5000
#: Nobody reads more; the first ones usually explain the others.
MOST_COMPLAINTS = 100
MARK = "\ufeff"


class ExpenseLine(WireSchema):
    """One line; what is empty counts as left out."""

    date = day("When")
    description = required_phrase(500, "IDE")
    amount = amount("9999999999.99", required=True)
    category = phrase(100, "Software")
    subcategory = phrase(100, "Licences")
    vendor = phrase(200, "Example Inc.")
    tax_deductible = Flag()
    notes = phrase(10_000, "For a year")


LINE = ExpenseLine()
EXAMPLE = "date,description,amount,category\n2025-01-31,IDE,12.50,Software\n"


class ExpenseTable(Text):
    """CSV with a head. Complaints tell the line, counted from 1 with the head, and the column."""

    def __init__(self, **options: Any) -> None:
        described = {
            "description": f"CSV with a head; its columns are {', '.join(LINE.fields)}. All of it is taken or nothing.",
            "example": EXAMPLE,
        }
        super().__init__(max_length=MOST_CHARACTERS, metadata=described, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        text = super()._deserialize(value, attr, data, **options)
        complaints: list[Complaint] = []
        rows = []
        for number, cells in _lines(text):
            try:
                rows.append(LINE.load(cells))
            except ma.ValidationError as error:
                complaints += [complaint.below(number) for complaint in complaints_in(error.messages, cells)]
            if len(complaints) >= MOST_COMPLAINTS:
                break
        if complaints:
            raise ma.ValidationError(complaints[:MOST_COMPLAINTS])
        return rows


def _lines(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The lines that hold anything, each with its number and its cells by column."""
    reader = csv.reader(io.StringIO(text.removeprefix(MARK), newline=""), strict=True)
    try:
        head = [name.strip().lower() for name in next(reader, [])]
        _check_head(head, text)
        begins = reader.line_num + 1
        for count, cells in enumerate(reader, 1):
            if count > MOST_LINES:
                raise refused_value(f"a file has at most {MOST_LINES} lines: split it", len(text))
            if len(cells) > len(head):
                raise refused_value(f"line {begins} has {len(cells)} cells for {len(head)} columns", cells)
            given = {name: original(cell) for name, cell in zip(head, cells, strict=False) if cell.strip()}
            if given:
                yield begins, given
            begins = reader.line_num + 1
    except csv.Error as error:
        raise refused_value(f"line {reader.line_num} is not CSV: {error}", None) from None


def _check_head(head: list[str], text: str) -> None:
    unknown = [name for name in head if name not in LINE.fields]
    if unknown or len(set(head)) < len(head) or not {"description", "amount"} <= set(head):
        known = ", ".join(LINE.fields)
        wanted = f"the first line names the columns, once each: description, amount, and any others of {known}"
        raise refused_value(wanted, text[:200])
