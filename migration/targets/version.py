"""Which version of a side was compared, as far as it can be told without asking it."""

from __future__ import annotations

import subprocess
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

_GIT = ("git", "describe", "--always", "--dirty", "--abbrev=12")
_TIMEOUT = 10.0


def version_of(target: str, directory: Path) -> str:
    """The commit that ``directory`` is at, for an import path found there; else its package's version.

    Empty for URLs, recordings, and what has no version.
    """
    module = target.partition(":")[0]
    if target.startswith(("http://", "https://")) or module == target:
        return ""
    package = module.partition(".")[0]
    if (directory / package).exists() or (directory / f"{package}.py").exists():
        return _commit(directory)
    try:
        return version(packages_distributions().get(package, [package])[0])
    except PackageNotFoundError:
        return ""


def _commit(directory: Path) -> str:
    try:
        told = subprocess.run(_GIT, cwd=directory, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return told.stdout.strip() if told.returncode == 0 else ""
