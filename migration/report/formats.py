"""Which reports there are, how they get into files, and what a run's exit status is."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from migration.report import html, json_report, junit
from migration.report.model import Report

_FORMATS: dict[str, tuple[str, Callable[[Report], Iterator[str]]]] = {
    "html": ("report.html", html.render),
    "json": ("report.json", json_report.render),
    "junit": ("junit.xml", junit.render),
}
#: The names that :func:`write_report` knows.
FORMATS = tuple(_FORMATS)


def write_report(report: Report, directory: Path, formats: Iterable[str] = FORMATS) -> list[Path]:
    """Write ``report.html``, ``report.json``, ``junit.xml``, as asked for, into ``directory``; answers their paths.

    The directory is made where it is missing. A reader sees the old file or the new one, never half of one.
    Raises ValueError for an unknown format, before anything is written, and OSError where a file can't be written.
    """
    wanted = list(dict.fromkeys(formats))
    unknown = [name for name in wanted if name not in _FORMATS]
    if unknown:
        raise ValueError(f"There is no report format {unknown[0]!r}; there are {', '.join(FORMATS)}.")
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in wanted:
        file_name, render = _FORMATS[name]
        paths.append(directory / file_name)
        _replace(paths[-1], render(report))
    return paths


def exit_status(report: Report) -> int:
    """0 for parity; 1 for differences, errors or a run that stopped early; 2 where nothing could be compared."""
    if not report.ran:
        return 2
    return 0 if report.parity else 1


def _replace(path: Path, chunks: Iterable[str]) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        # A lone surrogate out of some JSON body must not cost the report.
        with temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.writelines(chunks)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
