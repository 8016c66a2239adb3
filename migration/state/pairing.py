"""Pairing rows that have no equal: first those that say the same, then those of one key, then those nearly the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from migration.compare.pairing import pair_alike
from migration.compare.sketching import tells
from migration.state.leftover import Leftover, RecordSketch
from migration.state.naming import UNCOLOURED, ColouredNames, Colours, Identifier, both_names, colour, occurrences
from migration.state.terms import Terms

#: Called with each pair as soon as it is found, so that it can bind what the rows name.
Settle = Callable[[Leftover, int, int], None]
#: Indices of rows that look the same, of control and of candidate.
Group = tuple[list[int], list[int]]

#: How far identifiers are told apart by their company, the closest look first.
_ROUNDS = (2, 1, 0)
#: How often rows are looked at again because a pair told what others name.
_LOOKS = 200
#: Beyond so many rows, a pair leads to no new look at other tables.
_PATIENCE = 5_000
#: Rows are compared each with each only up to this many pairs.
_MOST_PAIRS = 40_000


class Pairing:
    """Pairs the rows of several tables. ``settle`` is told of each pair; rows left open are missing or added."""

    def __init__(self, tables: Sequence[Leftover], terms: Terms, settle: Settle, *, learning: bool) -> None:
        self._tables = tables
        self._bindings = terms.bindings
        self._clock = terms.clock
        self._settle = settle
        self._learning = learning

    def run(self) -> None:
        while any(self._pair_equal_rows(rounds) for rounds in _ROUNDS):
            pass  # what these pairs named may tell others apart, so the closest look comes first again
        for pair_rest in (self._pair_by_key, self._pair_nearly_equal, self._pair_alike):
            for table in self._tables:
                pair_rest(table)

    def _take(self, table: Leftover, pairs: Iterable[tuple[int, int]]) -> int:
        taken = 0
        for ours, theirs in pairs:
            table.take(ours, theirs)
            self._settle(table, ours, theirs)
            taken += 1
        return taken

    def _shared_identifiers(self) -> set[Identifier]:
        """Control's identifiers that are unknown and occur in several places: pairing one of these tells of others."""
        found = occurrences(self._tables, self._bindings, UNCOLOURED, side=0)
        return {identifier for identifier, looks in found.items() if len(looks) > 1}

    # --- rows that say the same --------------------------------------------------------------------------------------

    def _pair_equal_rows(self, rounds: int) -> bool:
        """Pair rows that look the same after so many rounds of colouring; whether any did.

        Where identifiers can be told apart, a look without colours ends with the first table in which it finds pairs.
        """
        colours = colour(self._tables, self._bindings, rounds)
        if rounds and not any(colours):
            return False
        ambiguous = self._shared_identifiers()
        hasty = not ambiguous or sum(len(table.open[0]) for table in self._tables) > _PATIENCE
        paired = False
        for table in self._tables:
            paired |= self._pair_equal(table, colours, ambiguous)
            if paired and not rounds and not hasty:
                break
        return paired

    def _pair_equal(self, table: Leftover, colours: Colours, ambiguous: set[Identifier]) -> bool:
        """Where several rows look the same and share an identifier with others, one pair is made at a time."""
        paired = 0
        for look in range(_LOOKS):
            groups, telling = self._grouped(table, colours, ambiguous)
            several = [sketch for sketch in telling if len(groups[sketch][0]) > 1 and groups[sketch][1]]
            one_by_one = set(several if look < _LOOKS - 1 else ())
            for sketch, group in groups.items():
                if sketch not in one_by_one:
                    paired += self._take(table, self._aligned(table, group))
            made = 0
            for sketch in several if one_by_one else ():
                made = self._take(table, islice(self._aligned(table, groups[sketch]), 1))
                if made:
                    break
            paired += made
            if not made:
                break
        return paired > 0

    def _grouped(
        self, table: Leftover, colours: Colours, ambiguous: set[Identifier]
    ) -> tuple[Mapping[RecordSketch, Group], list[RecordSketch]]:
        """Open rows by what they look like, and those looks that hold an ambiguous identifier."""
        names = both_names(self._bindings, colours)
        telling: dict[RecordSketch, None] = {}
        groups: dict[RecordSketch, Group] = defaultdict(lambda: ([], []))
        for side in (0, 1):
            for at in table.open[side]:
                names[side].seen.clear()
                sketch = table.sketch(side, at, names[side])
                groups[sketch][side].append(at)
                if side == 0 and not names[0].seen.isdisjoint(ambiguous):
                    telling[sketch] = None
        return groups, list(telling)

    def _aligned(self, table: Leftover, group: Group) -> Iterator[tuple[int, int]]:
        """Pairs of rows that look the same and were written at the same moments; both are in the order of times."""
        ours, theirs = group
        i = j = 0
        while i < len(ours) and j < len(theirs):
            apart = self._apart(table.times(table.rows[0][ours[i]]), table.times(table.rows[1][theirs[j]]))
            if not apart:
                yield ours[i], theirs[j]
                i, j = i + 1, j + 1
            elif self._clock.is_early(*apart[0]):
                j += 1
            else:
                i += 1

    def _apart(self, ours: Sequence[float], theirs: Sequence[float]) -> list[tuple[float, float]]:
        """The moments of two rows that are not the same, column by column; two that are not known (0) are."""
        both = zip(ours, theirs, strict=True)
        return [(a, b) for a, b in both if (a or b) and not self._clock.agrees(a, b)]

    def _in_order(self, table: Leftover, group: Group) -> list[tuple[int, int]]:
        """Pairs of rows that look the same: those of the same moments, then what is left in the order of times."""
        aligned = list(self._aligned(table, group))
        ours, theirs = ({pair[side] for pair in aligned} for side in (0, 1))
        rest = ([at for at in group[0] if at not in ours], [at for at in group[1] if at not in theirs])
        return aligned + list(zip(*rest, strict=False))

    # --- rows of one key ---------------------------------------------------------------------------------------------

    def _pair_by_key(self, table: Leftover) -> None:
        names = both_names(self._bindings)
        for columns in table.layout.keys:
            waiting = {
                name: at for at in table.open[1] if (name := self._key(table, 1, at, columns, names[1])) is not None
            }
            pairs = []
            for at in table.open[0]:
                name = self._key(table, 0, at, columns, names[0])
                if name is not None and name in waiting:
                    pairs.append((at, waiting.pop(name)))
            self._take(table, pairs)

    def _key(
        self, table: Leftover, side: int, at: int, columns: Sequence[str], names: ColouredNames
    ) -> Hashable | None:
        """The row's key in common words, None where a part of it is unknown, null, or a time."""
        names.seen.clear()
        key = table.key(side, at, columns, names)
        return key if not names.seen and all(map(tells, key)) else None

    # --- rows that differ --------------------------------------------------------------------------------------------

    def _keyless(self, table: Leftover, side: int) -> list[int]:
        """Open rows that may be paired by likeness: one whose key is known is itself, however alike another is."""
        names = both_names(self._bindings)[side]
        columns = table.layout.key
        if self._learning or not columns:
            return list(table.open[side])
        return [at for at in table.open[side] if self._key(table, side, at, columns, names) is None]

    def _pair_nearly_equal(self, table: Leftover) -> None:
        """Pair rows that differ in nothing but their times, or in one column: first where that leaves no choice."""
        for alone in (True, False):
            sketches = self._sketches(table)
            for column in ("", *table.layout.columns):
                groups: dict[RecordSketch, Group] = defaultdict(lambda: ([], []))
                for side in (0, 1):
                    for at, sketch in sketches[side].items():
                        if at in table.open[side]:
                            rest = frozenset(member for member in sketch if member[0] != column)
                            groups[rest][side].append(at)
                for group in groups.values():
                    if not alone or len(group[0]) == len(group[1]) == 1:
                        self._take(table, self._in_order(table, group))

    def _sketches(self, table: Leftover) -> tuple[dict[int, RecordSketch], dict[int, RecordSketch]]:
        """The sketches of the open rows that may be paired by likeness, as far as pairs have named what is in them."""
        names = both_names(self._bindings)
        ours, theirs = (
            {at: table.sketch(side, at, names[side]) for at in self._keyless(table, side)} for side in (0, 1)
        )
        return ours, theirs

    def _pair_alike(self, table: Leftover) -> None:
        ours, theirs = self._sketches(table)
        if not ours or not theirs or len(ours) * len(theirs) > _MOST_PAIRS:
            return
        our_rows, their_rows = list(ours), list(theirs)
        our_words, their_words = (list(map(_telling, sketches.values())) for sketches in (ours, theirs))
        our_times, their_times = (
            [table.times(table.rows[side][at]) for at in rows] for side, rows in enumerate((our_rows, their_rows))
        )
        partner = pair_alike(
            our_words,
            their_words,
            range(len(ours)),
            range(len(theirs)),
            moments_apart=lambda i, j: len(self._apart(our_times[i], their_times[j])),
        )
        self._take(table, [(our_rows[i], their_rows[j]) for i, j in partner.items()])


def _telling(sketch: RecordSketch) -> RecordSketch:
    """The columns that make two rows alike if they agree: that both hold nothing, or a time, tells little."""
    return frozenset((column, said) for column, said in sketch if tells(said))
