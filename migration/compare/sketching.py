"""Sketches of records: what a record says, in words common to both sides, whatever its identifiers and times are.

Records whose sketches are equal say the same. Identifiers appear under their common name where they are bound, and as
unknown where they aren't; times don't appear, nor does what is known to say nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Set
from typing import Any

from migration.compare.bindings import RUN, Bindings
from migration.compare.context import Context
from migration.compare.locations import child
from migration.compare.registry import Place, PlaceKind
from migration.compare.scalars import scope_of
from migration.compare.values import PieceKind, pieces

_TIME, _ANY, _UNKNOWN = "\0time", "\0any", "\0new"
_NULL = (type(None).__name__, None)
_SAYS_NOTHING = (PlaceKind.NOISE, PlaceKind.FORM, PlaceKind.ELAPSED, PlaceKind.POSITION)


def tells(sketch: Hashable) -> bool:
    """Whether the sketch of a single value is that value by a known name: no time, nothing unknown, not null."""
    if isinstance(sketch, str):
        return not any(mark in sketch for mark in (_TIME, _ANY, _UNKNOWN))
    return sketch != _NULL


class Names:
    """What one side's identifiers are called in common words: by control's value.

    ``shared`` are values that occur on both sides; what isn't bound otherwise means itself there.
    """

    def __init__(self, bindings: Bindings, shared: Set[str] = frozenset(), *, of_candidate: bool) -> None:
        self._bindings = bindings
        self._shared = shared
        self._of_candidate = of_candidate

    def bound(self, value: str) -> str | None:
        """Control's value where ``value`` is bound, else None."""
        if self._of_candidate:
            return self._bindings.control_of(value)
        return value if self._bindings.candidate_of(value) is not None else None

    def known(self, value: str) -> str | None:
        """The common name of ``value``, None where nothing tells it yet."""
        bound = self.bound(value)
        if bound is None and value in self._shared:
            other = self._bindings.candidate_of if self._of_candidate else self._bindings.control_of
            return value if other(value) is None else None
        return bound

    def word(self, word: str) -> str:
        """A word of a longer text, by its common name if it has one."""
        bound = self.bound(word)
        return word if bound is None else f"\0{bound}"

    def known_number(self, scope: str, number: int) -> int | None:
        """The same for a whole number that numbers a ``scope``."""
        if self._of_candidate:
            return self._bindings.control_number_of(scope, number)
        return number if self._bindings.number_of(scope, number) is not None else None

    def unknown(self, value: str, scope: str = "") -> str:
        """What stands in a sketch for a value without a name; ``scope`` is given for a number."""
        return _UNKNOWN

    def text(self, value: str) -> str:
        known = self.known(value)
        return self.unknown(value) if known is None else f"\0{known}"

    def number(self, scope: str, number: int) -> Hashable:
        known = self.known_number(scope, number)
        return self.unknown(str(number), scope) if known is None else ("number", known)


class Sketcher:
    """Sketches records that are found at one location."""

    def __init__(self, folded: str, context: Context) -> None:
        self._folded = folded
        self._context = context

    def record(self, record: Any, names: Names) -> Hashable:
        """The sketch of ``record``: of an object, a frozen set of its members' names and sketches."""
        return self._sketch(record, self._folded, names)

    def member(self, key: str, value: Any, names: Names) -> Hashable:
        """The sketch of one member of an object."""
        return self._sketch(value, child(self._folded, key), names)

    def _sketch(self, value: Any, folded: str, names: Names) -> Hashable:
        if isinstance(value, dict):
            return frozenset((key, self._sketch(member, child(folded, key), names)) for key, member in value.items())
        if isinstance(value, list):
            return tuple(self._sketch(member, f"{folded}[]", names) for member in value)
        place = self._context.place(folded)
        if place is not None and place.kind in _SAYS_NOTHING:
            return _ANY
        generated = place is not None and place.kind is PlaceKind.GENERATED
        if isinstance(value, str):
            return self._text(value, place, names)
        if isinstance(value, int) and not isinstance(value, bool) and generated:
            return names.number(scope_of(place, self._context.route, folded), value)
        return (type(value).__name__, value)

    def _text(self, text: str, place: Place | None, names: Names) -> Hashable:
        if self._context.is_made_up(text, place):
            return names.text(text)
        bound = names.bound(text)
        if bound is not None:
            return f"\0{bound}"
        parts = []
        for piece in pieces(text):
            if piece.kind is PieceKind.TIME:
                parts.append(_TIME)
            elif piece.kind is PieceKind.GENERATED:
                parts.append(names.text(piece.text))
            else:
                parts.append(RUN.sub(lambda run: names.word(run.group()), piece.text))
        return "".join(parts)
