"""Pairing the records of two lists by what they say, before the identifiers in them are bound.

Rows that share a second come back in any order; an identifier bound by its position would send the next request to
the wrong row.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from migration.compare.alike import Lists
from migration.compare.context import Context
from migration.compare.locations import fold
from migration.compare.sketching import Names, Sketcher
from migration.compare.values import generated_values


class Pair(NamedTuple):
    """Indices of one record in control's list and in candidate's, None where a side lacks it.

    ``guessed``: other records of the list look the same.
    """

    control: int | None
    candidate: int | None
    guessed: bool = False


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
    """Pairs of indices, in control's order; those that only candidate has come last.

    Records that say the same are paired first, then those that say nearly the same. ``by_chance`` are the indices of
    records, in control and in candidate, that chance put there; those without a partner are left out.
    """
    ours, theirs = _sketches(control, candidate, location, context)
    lists = Lists(control, candidate, context.clock)
    partner = _pair_equal(ours, theirs, lists)
    taken = set(partner.values())
    our_rest = [i for i in range(len(ours)) if i not in partner]
    their_rest = [j for j in range(len(theirs)) if j not in taken]
    if len(our_rest) * len(their_rest) > _MOST_PAIRS:
        partner |= dict(zip(our_rest, their_rest, strict=False))
    else:
        partner |= pair_alike(ours, theirs, our_rest, their_rest, by_chance, lists.members_apart)
    looks = Counter(ours)
    pairs = [
        Pair(i, partner.get(i), guessed=looks[sketch] > 1)
        for i, sketch in enumerate(ours)
        if i in partner or i not in by_chance[0]
    ]
    added = set(their_rest) - set(partner.values()) - by_chance[1]
    return pairs + [Pair(None, j) for j in sorted(added)]


def _pair_equal(ours: Sequence[Hashable], theirs: Sequence[Hashable], lists: Lists) -> dict[int, int]:
    """Pair records that say the same, in their order; where one side has more of them, those that fit the others."""
    groups: dict[Hashable, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, sketches in enumerate((ours, theirs)):
        for at, sketch in enumerate(sketches):
            groups[sketch][side].append(at)
    partner: dict[int, int] = {}
    for mine, others in groups.values():
        if len(mine) == len(others):
            partner |= zip(mine, others, strict=True)
    for mine, others in groups.values():
        if len(mine) != len(others):
            partner |= lists.fitting(mine, others, partner)
    return partner


def pair_alike(
    ours: Sequence[Hashable],
    theirs: Sequence[Hashable],
    our_rest: Sequence[int],
    their_rest: Sequence[int],
    by_chance: tuple[set[int], set[int]] = (set(), set()),
    members_apart: Callable[[int, int], int] = lambda ours, theirs: 0,
    moments_apart: Callable[[int, int], int] = lambda ours, theirs: 0,
) -> dict[int, int]:
    """Pair what is left by likeness, the most alike first: by members, their words, their moments, then by nearness.

    ``ours`` and ``theirs`` are sketches of all records; each of the one rest is compared with each of the other. A
    record that is there by chance is paired only with one that surely is not, and only if they are nearly the same.
    ``members_apart`` tells how many members of two records look alike but are not: times that are other moments.
    ``moments_apart`` does so where times are no part of the sketches.
    """
    scored = []
    for i in our_rest:
        for j in their_rest:
            chances = (i in by_chance[0]) + (j in by_chance[1])
            likeness = _likeness(ours[i], theirs[j])
            if likeness >= _ALIKE and isinstance(ours[i], frozenset):
                likeness = _likeness(ours[i], theirs[j], members_apart(i, j))
            if chances == 2 or likeness < _ALIKE:
                continue
            words = _likeness_of_words(ours[i], theirs[j])
            if chances == 0 or words >= _NEARLY_THE_SAME:
                scored.append((-likeness, -words, moments_apart(i, j), abs(i - j), i, j))
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for *_, i, j in sorted(scored):
        if i not in partner and j not in taken:
            partner[i] = j
            taken.add(j)
    return partner


def _likeness(control: Hashable, candidate: Hashable, apart: int = 0) -> float:
    """The share of members that say the same, 0..1; ``apart`` of those that seem to don't."""
    if not (isinstance(control, frozenset) and isinstance(candidate, frozenset)):
        return float(control == candidate)
    return (len(control & candidate) - apart) / max(len(control), len(candidate), 1)


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
    ours, theirs = (Names(context.bindings, shared, of_candidate=side) for side in (False, True))
    sketcher = Sketcher(fold(location) + "[]", context)
    return (
        [sketcher.record(record, ours) for record in control],
        [sketcher.record(record, theirs) for record in candidate],
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
