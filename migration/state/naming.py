"""Names for identifiers that no answer showed: they are told apart by the company they keep.

An order that no answer showed is known by its lines, and these by their products. Each unknown identifier is coloured
by the rows in which it occurs, as they look without it; rows that look alike but for their colours are not the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from migration.compare.bindings import Bindings
from migration.compare.sketching import Names
from migration.state.leftover import Leftover

#: Of each side, the colour of each unknown identifier: ``(scope, value)``, the scope empty for texts.
Identifier = tuple[str, str]
Colours = tuple[Mapping[Identifier, int], Mapping[Identifier, int]]
UNCOLOURED: Colours = ({}, {})


class ColouredNames(Names):
    """Names that show the colour of what is unknown, and remember what was asked for and is unknown."""

    def __init__(self, bindings: Bindings, colours: Mapping[Identifier, int], *, of_candidate: bool) -> None:
        super().__init__(bindings, of_candidate=of_candidate)
        self._colours = colours
        self.seen: set[Identifier] = set()

    def unknown(self, value: str, scope: str = "") -> str:
        identifier = (scope, value)
        self.seen.add(identifier)
        colour = self._colours.get(identifier)
        return super().unknown(value, scope) if colour is None else f"\0{colour}"


def both_names(bindings: Bindings, colours: Colours = UNCOLOURED) -> tuple[ColouredNames, ColouredNames]:
    """The names of control and of candidate."""
    return (
        ColouredNames(bindings, colours[0], of_candidate=False),
        ColouredNames(bindings, colours[1], of_candidate=True),
    )


def occurrences(
    tables: Sequence[Leftover], bindings: Bindings, colours: Colours, side: int
) -> Mapping[Identifier, list[int]]:
    """For each identifier that is unknown on ``side``, what the places look like where it occurs."""
    found: dict[Identifier, list[int]] = defaultdict(list)
    names = both_names(bindings, colours)[side]
    for table in tables:
        for at in table.open[side]:
            look, holders = _look(table, side, at, names)
            for column, identifier in holders:
                found[identifier].append(hash((table.layout.name, column, look)))
    return found


def _look(table: Leftover, side: int, at: int, names: ColouredNames) -> tuple[int, list[tuple[str, Identifier]]]:
    """A number for what a row looks like, and the unknown identifiers in it with their columns."""
    members, holders = [], []
    for column, value in table.rows[side][at].items():
        names.seen.clear()
        members.append((column, table.sketcher.member(column, value, names)))
        holders += [(column, identifier) for identifier in names.seen]
    return hash(frozenset(members)), holders


def colour(tables: Sequence[Leftover], bindings: Bindings, rounds: int) -> Colours:
    """Colours after so many rounds: by the rows that hold an identifier, by the rows that share identifiers with
    these, and so on. What occurs only once needs no colour."""
    colours = UNCOLOURED
    for _ in range(rounds):
        ours, theirs = (occurrences(tables, bindings, colours, side) for side in (0, 1))
        colours = (_mixed(ours), _mixed(theirs))
    return colours


def _mixed(found: Mapping[Identifier, Sequence[int]]) -> dict[Identifier, int]:
    return {identifier: hash(tuple(sorted(looks))) for identifier, looks in found.items() if len(looks) > 1}
