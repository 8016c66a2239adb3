"""Displays that tests start for themselves: a screen in memory, and a window on it with known words and colours."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.waiting import eventually

PACKAGES = {"Xvfb": "xvfb", "xterm": "xterm", "tesseract": "tesseract-ocr"}
WIDTH, HEIGHT = 900, 500
#: Of the window's paper, as red, green and blue.
PAPER = (255, 250, 205)
WORDS = ("Invoice total 1250", "Database connection failed", "Segmentation fault")


@dataclass(frozen=True)
class Display:
    """A screen of WIDTH times HEIGHT pixels; `name` is what DISPLAY says."""

    name: str


def require(*programs: str) -> None:
    """Skip the test where a program is not installed; where everything must be tested, fail it."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        packages = " ".join(PACKAGES[program] for program in missing)
        reason = f"tests on the screen need {' and '.join(missing)}: install {packages}"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@contextmanager
def running_display() -> Iterator[Display]:
    """An empty screen."""
    require("Xvfb")
    reader, writer = os.pipe()
    screen = f"{WIDTH}x{HEIGHT}x24"
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", screen, "-nolisten", "tcp"]
    process = subprocess.Popen(
        command, pass_fds=[writer], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    os.close(writer)
    try:
        with os.fdopen(reader) as told:
            number = told.readline().strip()  # it writes when it listens, or ends without a word
        assert number, "Xvfb did not start"
        yield Display(f":{number}")
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def window_saying(display: Display, *lines: str) -> Iterator[None]:
    """A window in the top left corner; it has drawn its lines when this yields."""
    require("xterm")
    paper = "#{:02x}{:02x}{:02x}".format(*PAPER)
    # The terminal tells where its cursor is only after it has drawn what came before.
    script = 'drawn=$1; shift; printf "%s\\n" "$@"; stty raw -echo; printf "\\033[6n"; dd bs=1 count=4; echo >"$drawn"'
    with tempfile.TemporaryDirectory() as directory:
        drawn = Path(directory) / "drawn"
        command = [
            *("xterm", "-geometry", "60x12+0+0", "-fa", "DejaVu Sans Mono", "-fs", "16", "-bg", paper, "-fg", "black"),
            *("-e", "sh", "-c", f"{script}; exec sleep 600", "sh", str(drawn), *lines),
        ]
        environment = {**os.environ, "DISPLAY": display.name}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            eventually(drawn.exists)
            yield
        finally:
            process.terminate()
            process.wait(10)
