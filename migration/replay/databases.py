"""The databases of both sides during a run: kept after control's own passes, compared after each recording."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

from migration.compare.verdict import NoisePlace
from migration.replay.comparing import Comparing
from migration.replay.options import Options
from migration.state.comparison import DatabaseComparison
from migration.state.source import CopiedSource, copy, reading
from migration.state.tally import Place
from migration.state.verdict import StateVerdict
from migration.targets.database import SideDatabaseError
from migration.targets.side import Side


class Databases:
    """Nothing is compared unless control is live and both databases are known."""

    def __init__(self, control: Side | None, candidate: Side, options: Options) -> None:
        known = (side.database.url if side is not None and side.database else None for side in (control, candidate))
        self._control, self._candidate = known
        self._comparison = DatabaseComparison(options.registry)
        self._wanted = options.compare_state and self._control is not None and self._candidate is not None
        self._kept: dict[int, list[CopiedSource]] = defaultdict(list)
        self._directory: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Databases:
        if self._wanted:
            self._directory = tempfile.TemporaryDirectory(prefix="cutover-state-")
        return self

    def __exit__(self, *_: object) -> None:
        if self._directory is not None:
            self._directory.cleanup()

    def keep_control(self, position: int) -> None:
        """Keep what control's database holds after a pass of its own over the recording at ``position``."""
        if self._directory is None or self._control is None or self._control == self._candidate:
            return
        directory = Path(tempfile.mkdtemp(dir=self._directory.name))
        with reading(self._control) as source:
            self._kept[position].append(copy(source, directory))

    def compare(self, position: int, recording: str, comparing: Comparing) -> StateVerdict | None:
        """Compare what both sides hold now, after the recording at ``position``; None where that isn't to be done."""
        if not self._wanted or self._control is None or self._candidate is None:
            return None
        if self._control == self._candidate:
            return StateVerdict(skipped="both sides work on one database")
        try:
            with ExitStack() as stack:
                control = stack.enter_context(reading(self._control))
                noisy: frozenset[Place] = frozenset()
                for run, kept in enumerate(self._kept.pop(position, ())):
                    noisy |= self._comparison.learn(kept, control, comparing.own_terms(run))
                candidate = stack.enter_context(reading(self._candidate))
                return self._comparison.compare(control, candidate, comparing.terms(), recording, noisy)
        except SideDatabaseError as error:
            return StateVerdict(error=str(error))

    def noise(self) -> tuple[NoisePlace, ...]:
        """Where control's databases differed between its own passes."""
        return self._comparison.noise()
