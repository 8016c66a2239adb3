"""What a picture says: words with their places, as Tesseract reads them."""

import csv
import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NOT_INSTALLED = "OCR dependencies not available"
#: Of words; a screen holds far fewer.
MOST_WORDS = 10_000
WORD = "5"


@dataclass(frozen=True)
class Word:
    """A word, its box in pixels, the line it stands in, and from 0 to 100 how sure the reader is."""

    text: str
    x: int
    y: int
    width: int
    height: int
    confidence: float
    line: tuple[str, ...]

    @property
    def shown(self) -> dict[str, Any]:
        """As answers have it."""
        box = {"x": self.x, "y": self.y, "width": self.width, "height": self.height}
        return {"text": self.text, **box, "confidence": self.confidence}


class UnreadableError(Exception):
    """The picture was not read; the text says why."""


def read(picture: Path, seconds: float) -> list[Word]:
    """The words of a picture, from the top left. Raises UnreadableError, also after so many `seconds`."""
    program = shutil.which("tesseract")
    if program is None:
        raise UnreadableError(NOT_INSTALLED)
    # Screens hold text here and there, not pages; the reader's own threads only get into each other's way.
    command = [program, str(picture), "stdout", "--psm", "11", "--dpi", "96", "tsv"]
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    try:
        done = subprocess.run(command, capture_output=True, timeout=seconds, env=environment, check=False)
    except subprocess.TimeoutExpired:
        raise UnreadableError(f"OCR took longer than {seconds:g} seconds") from None
    except OSError:
        raise UnreadableError(NOT_INSTALLED) from None
    if done.returncode:
        raise UnreadableError("OCR failed: the picture could not be read")
    return _words(done.stdout.decode(errors="replace").splitlines())


def lines(words: Iterable[Word]) -> list[dict[str, Any]]:
    """The words line by line, each line with its box."""
    found: dict[tuple[str, ...], list[Word]] = {}
    for word in words:
        found.setdefault(word.line, []).append(word)
    return [_line(members) for members in found.values()]


def _line(words: list[Word]) -> dict[str, Any]:
    left, top = min(word.x for word in words), min(word.y for word in words)
    return {
        "type": "text",
        "text": " ".join(word.text for word in words),
        "x": left,
        "y": top,
        "width": max(word.x + word.width for word in words) - left,
        "height": max(word.y + word.height for word in words) - top,
    }


def _words(table: list[str]) -> list[Word]:
    words = []
    for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
        text = (row.get("text") or "").strip()
        if row.get("level") != WORD or not text:
            continue
        left, top, width, height = (int(row[name]) for name in ("left", "top", "width", "height"))
        line = (row["page_num"], row["block_num"], row["par_num"], row["line_num"])
        words.append(Word(text, left, top, width, height, round(float(row["conf"]), 2), line))
        if len(words) == MOST_WORDS:
            break
    return words
