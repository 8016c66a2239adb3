"""Putting in the rows that a recording expects and no route can make."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from migration.recording.errors import RecordingError
from migration.recording.exchange import Recording
from migration.recording.sidecar import read_groups
from migration.targets.database import SideDatabaseError
from migration.targets.side import Side


class Seeder:
    """Knows which rows go in before which exchange of one recording, and puts them into every side's database."""

    def __init__(self, recording: Recording, sides: Iterable[Side]) -> None:
        self._sides = list(sides)
        self._rows: dict[int, list[dict[str, Any]]] = {}
        if not recording.seeds:
            return
        if recording.rows_file is None:
            raise RecordingError(f"{recording.name} names seeds, but no rows file is known. Name one with --rows FILE.")
        groups = read_groups(recording.rows_file)
        for seed in recording.seeds:
            if seed.group not in groups:
                raise RecordingError(f"{recording.name} names the seed {seed.group!r}; {recording.rows_file} has none.")
            self._rows.setdefault(seed.before, []).extend(groups[seed.group])
        for side in self._sides:
            if side.database is None:
                raise SideDatabaseError(
                    f"{recording.name} needs rows put into the database of {side.name}: name it with --control-db or "
                    "--candidate-db, or leave the rows out with --no-seeds."
                )

    def before(self, index: int) -> None:
        """Put in what belongs before exchange ``index``. Raises :class:`SideDatabaseError`."""
        rows = self._rows.get(index)
        if not rows:
            return
        now = datetime.now(UTC)
        for side in self._sides:
            if side.database is not None:
                side.database.put(rows, now)
