"""Pairing the records of two lists by what they say, before the identifiers in them are bound.

Rows that share a second come back in any order; an identifier bound by its position would send the next request to
the wrong row.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from difflib import SequenceMatcher
from typing import Any

from migration.compare.context import Context
from migration.compare.locations import child, fold
from migration.compare.registry import PlaceKind
from migration.compare.scalars import number_scope
from migration.compare.values import PieceKind, generated_values, pieces

#: Indices of one record in control's list and in candidate's.
Pair = tuple[int | None, int | None]

_TIME, _ANY = "\0time", "\0any"
_UNBOUND = "\0new"

#: Below this share of equal members, two records are two records and not one that changed.
_ALIKE = 0.5
_NEARLY_THE_SAME = 0.8
#: Records left over are compared each with each only up to this many pairs.
_MOST_PAIRS = 10_000


def pair_records(
    control: Sequence[Any],
    candidate: Sequence[Any],
    location: str,
    context: Context,
    by_chance: tuple[set[int], set[int]] = (set(), set()),
) -> list[Pair]:
    """Pairs of indices, in control's order; ``(i, None)`` is missing at candidate, ``(None, j)`` is added there.

    Records that say the same are paired first, then those that say nearly the same. ``by_chance`` are the indices of
    records, in control and in candidate, that chance put there; those without a partner are left out.
    """
    ours, theirs = _sketches(control, candidate, location, context)
    partner: dict[int, int] = {}
    waiting: dict[Hashable, deque[int]] = defaultdict(deque)
    for j, sketch in enumerate(theirs):
        waiting[sketch].append(j)
    for i, sketch in enumerate(ours):
        if waiting.get(sketch):
            partner[i] = waiting[sketch].popleft()
    taken = set(partner.values())
    our_rest = [i for i in range(len(ours)) if i not in partner]
    their_rest = [j for j in range(len(theirs)) if j not in taken]
    partner |= _pair_alike(ours, theirs, our_rest, their_rest, by_chance)
    pairs: list[Pair] = [(i, partner.get(i)) for i in range(len(ours)) if i in partner or i not in by_chance[0]]
    added = set(their_rest) - set(partner.values()) - by_chance[1]
    return pairs + [(None, j) for j in sorted(added)]


def _pair_alike(
    ours: list[Hashable],
    theirs: list[Hashable],
    our_rest: list[int],
    their_rest: list[int],
    by_chance: tuple[set[int], set[int]],
) -> dict[int, int]:
    """Pair what is left by likeness, the most alike first: by members, then by their words, then by nearness.

    A record that is there by chance is paired only with one that surely is not, and only if they are nearly the same.
    """
    if len(our_rest) * len(their_rest) > _MOST_PAIRS:
        return dict(zip(our_rest, their_rest, strict=False))
    scored = []
    for i in our_rest:
        for j in their_rest:
            chances = (i in by_chance[0]) + (j in by_chance[1])
            likeness = _likeness(ours[i], theirs[j])
            if chances == 2 or likeness < _ALIKE:
                continue
            words = _likeness_of_words(ours[i], theirs[j])
            if chances == 0 or words >= _NEARLY_THE_SAME:
                scored.append((-likeness, -words, abs(i - j), i, j))
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for *_, i, j in sorted(scored):
        if i not in partner and j not in taken:
            partner[i] = j
            taken.add(j)
    return partner


def _likeness(control: Hashable, candidate: Hashable) -> float:
    """The share of members that say the same, 0..1."""
    if not (isinstance(control, frozenset) and isinstance(candidate, frozenset)):
        return float(control == candidate)
    return len(control & candidate) / max(len(control), len(candidate), 1)


def _likeness_of_words(control: Hashable, candidate: Hashable) -> float:
    """How alike the least alike texts of two records are, 0..1."""
    if not (isinstance(control, frozenset) and isinstance(candidate, frozenset)):
        return float(control == candidate)
    ours, theirs = dict(control - candidate), dict(candidate - control)
    if ours.keys() != theirs.keys() or not all(isinstance(v, str) for v in (*ours.values(), *theirs.values())):
        return 0.0
    return min((SequenceMatcher(None, text, theirs[key]).ratio() for key, text in ours.items()), default=1.0)


def _sketches(
    control: Sequence[Any], candidate: Sequence[Any], location: str, context: Context
) -> tuple[list[Hashable], list[Hashable]]:
    """What each record says, in words common to both sides."""
    shared = _texts(control) & _texts(candidate)
    bindings = context.bindings

    def ours(value: str) -> str:
        bound = bindings.candidate_of(value)
        if bound is not None:
            return f"\0{value}"
        return f"\0{value}" if value in shared and bindings.control_of(value) is None else _UNBOUND

    def theirs(value: str) -> str:
        bound = bindings.control_of(value)
        if bound is not None:
            return f"\0{bound}"
        return f"\0{value}" if value in shared and bindings.candidate_of(value) is None else _UNBOUND

    sketch = _Sketcher(location, context)
    return (
        [sketch(record, ours, lambda scope, number: number) for record in control],
        [sketch(record, theirs, bindings.control_number_of) for record in candidate],
    )


def _texts(records: Sequence[Any]) -> set[str]:
    """The generated values that occur in ``records``, those of unknown form being any text."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for member in value.values():
                walk(member)
        elif isinstance(value, list):
            for member in value:
                walk(member)
        elif isinstance(value, str):
            found.add(value)
            found.update(generated_values(value))

    walk(list(records))
    return found


class _Sketcher:
    def __init__(self, location: str, context: Context) -> None:
        self._folded = fold(location) + "[]"
        self._context = context

    def __call__(self, record: Any, name: Callable[[str], str], number: Callable[[str, int], int | None]) -> Hashable:
        self._name, self._number = name, number
        return self._sketch(record, self._folded)

    def _sketch(self, value: Any, folded: str) -> Hashable:
        if isinstance(value, dict):
            return frozenset((key, self._sketch(member, child(folded, key))) for key, member in value.items())
        if isinstance(value, list):
            return tuple(self._sketch(member, f"{folded}[]") for member in value)
        place = self._context.place(folded)
        if place is not None and place.kind in (PlaceKind.NOISE, PlaceKind.FORM, PlaceKind.ELAPSED, PlaceKind.POSITION):
            return _ANY
        if isinstance(value, str):
            return self._text(value, place is not None and place.kind is PlaceKind.GENERATED)
        if isinstance(value, int) and not isinstance(value, bool) and place and place.kind is PlaceKind.GENERATED:
            meant = self._number(number_scope(self._context.route, folded), value)
            return _UNBOUND if meant is None else ("number", meant)
        return (type(value).__name__, value)

    def _text(self, text: str, generated: bool) -> Hashable:
        if generated or self._context.knowledge.minted(text):
            return self._name(text)
        named = self._name(text)
        if named != _UNBOUND and named != f"\0{text}":
            return named
        parts = []
        for piece in pieces(text):
            if piece.kind is PieceKind.TIME:
                parts.append(_TIME)
            elif piece.kind is PieceKind.GENERATED:
                parts.append(self._name(piece.text))
            else:
                parts.append(piece.text)
        return "".join(parts)
