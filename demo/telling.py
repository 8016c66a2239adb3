"""How the demos run the tool and tell what they do."""

from __future__ import annotations

import subprocess
import sys


def cutover(*arguments: str, quiet: bool = False) -> int:
    """Run ``cutover`` with ``arguments``; answers its exit status."""
    output = subprocess.DEVNULL if quiet else None
    return subprocess.run([sys.executable, "-m", "migration.cli", *arguments], stdout=output, check=False).returncode


def say(text: str) -> None:
    """Print a paragraph."""
    print(f"\n{text}", flush=True)
