"""Running ``cutover`` as its users do: a process, its output, its exit status, its report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = ROOT / "tests" / "recordings" / "spot"


@dataclass(frozen=True)
class Finished:
    status: int
    output: str
    errors: str


def cutover(*arguments: object, timeout: float = 240, **environment: str) -> Finished:
    """Run ``cutover`` with ``arguments`` from the project's root; ``environment`` is added to ours."""
    done = subprocess.run(
        [sys.executable, "-m", "migration.cli", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def replay(directory: Path, *arguments: object, timeout: float = 240, **environment: str) -> dict[str, Any]:
    """Run ``cutover replay`` and read its JSON report; fails with its output where there is none."""
    done = cutover(
        "replay", *arguments, "--report", directory, "--format", "terminal,json", timeout=timeout, **environment
    )
    assert done.status in (0, 1), done.output + done.errors
    report: dict[str, Any] = json.loads((directory / "report.json").read_text())
    differs = report["summary"]["different"] or report["summary"]["errors"] or not report["databases"]["equal"]
    assert done.status == (1 if differs else 0)
    return report
