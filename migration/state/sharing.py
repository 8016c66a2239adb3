"""Identifiers that mean themselves: both sides hold the same value, so nothing else can be meant by it.

Where a row has no equal, an identifier in it that no answer showed may be one that each side made up, or one that both
were given. Only the latter occurs on the other side too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from migration.compare.bindings import Bindings
from migration.compare.values import generated_values
from migration.state.leftover import Leftover
from migration.state.naming import UNCOLOURED, occurrences
from migration.state.source import Source
from migration.state.tables import TEXTS, Table


def bind_what_both_know(
    leftovers: Sequence[Leftover],
    tables: Sequence[tuple[Table, Table]],
    control: Source,
    candidate: Source,
    bindings: Bindings,
) -> None:
    """Bind to themselves the identifiers in ``leftovers`` that the other side holds as well, in any of ``tables``."""
    for side in (0, 1):
        _bind_settled_numbers(leftovers, side, bindings)
    unknown = [
        {value for scope, value in occurrences(leftovers, bindings, UNCOLOURED, side) if not scope} for side in (0, 1)
    ]
    bindings.identify(_held(unknown[0], candidate, [theirs for _, theirs in tables]))
    bindings.identify(_held(unknown[1], control, [ours for ours, _ in tables]))


def _bind_settled_numbers(leftovers: Sequence[Leftover], side: int, bindings: Bindings) -> None:
    """The number of a row that has its equal is the same on both sides."""
    open_numbers: dict[str, set[object]] = {}
    for leftover in leftovers:
        layout = leftover.layout
        if layout.numbered is not None:
            numbers = {row[layout.numbered] for row in leftover.rows[side]}
            open_numbers.setdefault(layout.scopes[layout.numbered], set()).update(numbers)
    for leftover in leftovers:
        for column, scope in leftover.layout.scopes.items():
            if column == leftover.layout.numbered:
                continue
            for row in leftover.rows[side]:
                number = row[column]
                if isinstance(number, int) and number not in open_numbers.get(scope, ()):
                    bindings.match_number(scope, number, number)


def _held(values: set[str], source: Source, tables: Iterable[Table]) -> set[str]:
    """Those of ``values`` that occur in a text of ``source``."""
    held: set[str] = set()
    if not values:
        return held
    for table in tables:
        texts = {name: column for name, column in table.columns.items() if column.kind in TEXTS}
        if not texts:
            continue
        for row in source.rows(table, texts):
            for text in row:
                if isinstance(text, str):
                    held |= values & {text, *generated_values(text)}
    return held
