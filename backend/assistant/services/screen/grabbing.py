"""Asking the display for a picture."""

import os
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from backend.assistant.services.screen.refusals import ScreenUnavailableError

GRAB_SECONDS = 10.0
PROGRAM = Path(__file__).with_name("grab.py")
SIGNATURE = b"\x89PNG\r\n\x1a\n"
NO_LIBRARY = 3
NO_DISPLAY = "no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"
INSTALL = "mss is not installed: pip install 'cutover[assistant]'"


@dataclass(frozen=True)
class Picture:
    """A PNG, and its size in pixels."""

    png: bytes
    width: int
    height: int


def grab() -> Picture:
    """What the whole screen shows now; raises ScreenUnavailableError."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise ScreenUnavailableError(NO_DISPLAY)
    try:
        done = subprocess.run([sys.executable, str(PROGRAM)], capture_output=True, timeout=GRAB_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise ScreenUnavailableError(f"no display answered within {GRAB_SECONDS:g} seconds") from None
    except OSError as error:
        raise ScreenUnavailableError(f"the program that captures could not be started ({error.strerror})") from error
    if done.returncode == NO_LIBRARY:
        raise ScreenUnavailableError(INSTALL)
    if done.returncode or not done.stdout.startswith(SIGNATURE):
        why = done.stderr.decode(errors="replace").strip()[:300] if done.returncode == 1 else ""
        raise ScreenUnavailableError(f"no display that can be captured ({why or 'it ended unexpectedly'})")
    width, height = struct.unpack(">II", done.stdout[16:24])
    return Picture(done.stdout, width, height)
