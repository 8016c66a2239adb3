"""Which records of two lists belong together where what they say doesn't tell: by their times and what surrounds them.

Of records that say the same one side may have more. A wrong guess would show as records that change places, or as a
record of another time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from migration.compare.times import Clock, parse_time, times_in

#: Beyond this many pairs the first records are paired.
_MOST_PAIRS = 10_000
#: How many known pairs a pair would change places with, and by how many seconds its times lie apart.
Misfit = tuple[int, float]


class Lists:
    """Two lists of records, control's and candidate's."""

    def __init__(self, control: Sequence[Any], candidate: Sequence[Any], clock: Clock) -> None:
        self._control = control
        self._candidate = candidate
        self._clock = clock

    def fitting(self, ours: Sequence[int], theirs: Sequence[int], known: Mapping[int, int]) -> dict[int, int]:
        """Partners for all of the fewer of ``ours`` and ``theirs``, in order, with the least misfit to ``known`` pairs.

        Records that share a second with one of a known pair may stand before or after it.
        """
        if not ours or not theirs:
            return {}
        if len(ours) * len(theirs) > _MOST_PAIRS:
            return dict(zip(ours, theirs, strict=False))
        misfits = self._misfits(ours, theirs, known)
        if len(ours) > len(theirs):
            flipped = [list(column) for column in zip(*misfits, strict=True)]
            return {ours[at]: theirs[j] for j, at in enumerate(_cheapest(flipped))}
        return {ours[i]: theirs[at] for i, at in enumerate(_cheapest(misfits))}

    def members_apart(self, i: int, j: int) -> int:
        """How many members of two records are times in the same form, but not the same moment."""
        ours, theirs = self._control[i], self._candidate[j]
        return sum(self._apart(ours[key], theirs[key]) for key in ours.keys() & theirs.keys())

    def _apart(self, control: Any, candidate: Any) -> bool:
        if not (isinstance(control, str) and isinstance(candidate, str)) or control == candidate:
            return False
        ours, theirs = parse_time(control), parse_time(candidate)
        if ours is None or theirs is None or ours.form != theirs.form:
            return False
        return not self._clock.agrees(ours.epoch, theirs.epoch, ours.grain)

    def _misfits(self, ours: Sequence[int], theirs: Sequence[int], known: Mapping[int, int]) -> list[list[Misfit]]:
        our_known, their_known = list(known), list(known.values())
        our_before, our_ties = _surroundings(self._control, ours, our_known)
        their_before, their_ties = _surroundings(self._candidate, theirs, their_known)
        our_times = [dict(times_in(self._control[i])) for i in ours]
        their_times = [dict(times_in(self._candidate[j])) for j in theirs]
        return [
            [
                (
                    ((our_before[a] ^ their_before[b]) & ~(our_ties[a] | their_ties[b])).bit_count(),
                    self._seconds_apart(our_times[a], their_times[b]),
                )
                for b in range(len(theirs))
            ]
            for a in range(len(ours))
        ]

    def _seconds_apart(self, ours: Mapping[str, str], theirs: Mapping[str, str]) -> float:
        return sum(self._clock.gap(float(ours[path]), float(theirs[path])) for path in ours.keys() & theirs.keys())


def _surroundings(records: Sequence[Any], places: Sequence[int], known: Sequence[int]) -> tuple[list[int], list[int]]:
    """For each of ``places``: which of the ``known`` records stand before it, and which share a second with it.

    Both as a number with one bit for each known record.
    """
    sharing: dict[tuple[str, str], int] = defaultdict(int)
    for bit, at in enumerate(known):
        for second in times_in(records[at]):
            sharing[second] |= 1 << bit
    before, ties = [], []
    for place in places:
        before.append(sum(1 << bit for bit, at in enumerate(known) if at < place))
        shared = 0
        for second in times_in(records[place]):
            shared |= sharing.get(second, 0)
        ties.append(shared)
    return before, ties


def _cheapest(misfits: Sequence[Sequence[Misfit]]) -> list[int]:
    """One column for each row, each further right than the one before, with the least sum. Rows are the fewer."""
    rows, columns = len(misfits), len(misfits[0])
    best: list[list[Misfit]] = [[(0, 0.0)] * (columns + 1)]
    for row in range(rows):
        line: list[Misfit] = [(0, float("inf"))] * (columns + 1)
        for column in range(row, columns):
            crossed, apart = misfits[row][column]
            taken = (best[row][column][0] + crossed, best[row][column][1] + apart)
            skipped = line[column]
            line[column + 1] = taken if column == row else min(skipped, taken)
        best.append(line)
    chosen: list[int] = []
    column = columns
    for row in range(rows, 0, -1):
        while column > row and best[row][column] == best[row][column - 1]:
            column -= 1
        column -= 1
        chosen.append(column)
    return chosen[::-1]
