"""The sidecar of a recording, ``NAME.sidecar.json`` beside ``NAME.har``, and the rows file that its seeds name."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migration.recording.errors import RecordingError
from migration.recording.exchange import Seed

ROWS_FILE = "seed-rows.json"


@dataclass(frozen=True, slots=True)
class Sidecar:
    """``operations`` maps an exchange's index to its route (``POST /api/agents/<agent_id>/heartbeat``)."""

    seeds: tuple[Seed, ...] = ()
    operations: dict[int, str] = field(default_factory=dict)
    rows_file: Path | None = None


def read_sidecar(har: Path, rows_file: Path | None = None) -> Sidecar:
    """The sidecar of ``har``; an empty one where there is none. Raises :class:`RecordingError` if it is broken."""
    path = har.with_suffix(".sidecar.json")
    if not path.is_file():
        return Sidecar(rows_file=rows_file)
    document = _load(path)
    try:
        seeds = tuple(Seed(int(seed["before_exchange"]), str(seed["group"])) for seed in document.get("seeds", ()))
        operations = {
            int(entry["index"]): entry["operation"]
            for entry in document.get("entries", ())
            if not entry.get("operation", "(").startswith("(")
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordingError(f"{path} is not a sidecar: {type(error).__name__} {error}.") from error
    return Sidecar(seeds, operations, (rows_file or _find_rows_file(har)) if seeds else rows_file)


def _find_rows_file(har: Path) -> Path:
    """The nearest rows file, beside the recording or in a directory above it."""
    for directory in har.resolve().parents:
        candidate = directory / ROWS_FILE
        if candidate.is_file():
            return candidate
    raise RecordingError(
        f"The sidecar of {har} names seeds, but no {ROWS_FILE} lies beside it or above it. Name one with --rows FILE."
    )


def read_groups(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The groups of a rows file: name -> rows, each ``{"table", "values"[, "op", "where"]}``."""
    groups = _load(path).get("groups")
    if not isinstance(groups, dict):
        raise RecordingError(f"{path} is not a rows file: there is no object groups.")
    return groups


def _load(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise RecordingError(f"{path} can't be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise RecordingError(f"{path} is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise RecordingError(f"{path} must hold a JSON object.")
    return document
