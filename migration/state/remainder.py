"""Rows without an equal on the other side, found in little memory however many rows there are.

Equal rows are equal, and nearly all are. A first pass adds up the digests of both sides' rows in buckets: where the
sums agree, so do the rows. A second pass looks into the other buckets, a third one fetches what has no equal.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from migration.state.values import Row

_BUCKETS = 1 << 16

#: A row, and what is compared of it: two rows are equal if these are.
KeyedRow = tuple[tuple[object, ...], Row]
#: Reads all rows of one side, from the beginning.
Rows = Callable[[], Iterable[KeyedRow]]


@dataclass(slots=True)
class Side:
    """``rows`` were counted, ``left`` of them have no equal; ``kept`` are these, unless they are too many."""

    rows: int = 0
    left: int = 0
    kept: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Remainder:
    """What remains of a table when equal rows are set aside.

    ``complete`` tells that every such row was kept, ``whole`` that rows were compared with all that identifies them.
    """

    control: Side
    candidate: Side
    complete: bool = True
    whole: bool = True


def find_remainder(control: Rows, candidate: Rows, most: int) -> Remainder:
    """The rows that have no equal on the other side; kept if neither side has more than ``most`` of them."""
    ours, theirs = Side(), Side()
    sums = [0] * _BUCKETS
    for side, rows, sign in ((ours, control, 1), (theirs, candidate, -1)):
        for key, _ in rows():
            digest = _digest(key)
            sums[digest % _BUCKETS] += sign * digest
            side.rows += 1
    if not any(sums):
        return Remainder(ours, theirs)
    surplus: Counter[int] = Counter()
    for rows, sign in ((control, 1), (candidate, -1)):
        for key, _ in rows():
            digest = _digest(key)
            if sums[digest % _BUCKETS]:
                surplus[digest] += sign
    ours.left = sum(count for count in surplus.values() if count > 0)
    theirs.left = -sum(count for count in surplus.values() if count < 0)
    if max(ours.left, theirs.left) > most:
        return Remainder(ours, theirs, complete=False)
    for side, rows, sign in ((ours, control, 1), (theirs, candidate, -1)):
        for key, row in rows():
            digest = _digest(key)
            if surplus[digest] * sign > 0:
                surplus[digest] -= sign
                side.kept.append(row)
    return Remainder(ours, theirs)


def _digest(key: tuple[object, ...]) -> int:
    written = repr(key).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(written, digest_size=8).digest())
