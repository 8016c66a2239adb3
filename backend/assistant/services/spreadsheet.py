"""CSV (RFC 4180) that spreadsheet programs open without taking a text for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

CONTENT_TYPE = "text/csv; charset=utf-8"
MARK = "'"
#: What begins a formula, also in the wide forms of East Asia; and the mark itself, so that reading can undo it.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", MARK)


def harmless(text: str) -> str:
    """A text that no spreadsheet program runs: with an apostrophe before it where it could be taken for a formula."""
    return f"{MARK}{text}" if text.startswith(FORMULA) else text


def original(cell: str) -> str:
    """The text behind a cell that `harmless` wrote; other cells are what they are."""
    return cell[1:] if cell.startswith(MARK) and cell[1:].startswith(FORMULA) else cell


def written(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """CSV with a head; every cell harmless."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return file.getvalue()
