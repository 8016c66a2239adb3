"""Candidate's JSON in control's terms: bound values named as control names them, records in control's order.

What can be reconciled becomes equal to control's value; what can't stays as candidate wrote it, and is a difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from itertools import pairwise
from typing import Any

from migration.compare.context import Context
from migration.compare.days import same_by_day
from migration.compare.locations import child, fold
from migration.compare.pairing import Pair, pair_records
from migration.compare.registry import PlaceKind
from migration.compare.scalars import reconcile_scalar
from migration.compare.times import times_in
from migration.compare.verdict import MISSING, Kind


class Absent:
    """Fills the gap where one side has no element."""

    def __repr__(self) -> str:
        return MISSING


ABSENT = Absent()


def same(a: Any, b: Any) -> bool:
    """Equality as JSON means it: true is not 1, and 1 is not 1.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(value, b[key]) for key, value in a.items())
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def reconcile(control: Any, candidate: Any, location: str, context: Context) -> tuple[Any, Any]:
    """Both values, made comparable: lists are equally long (:data:`ABSENT` fills the gaps) and in control's order."""
    if isinstance(control, dict) and isinstance(candidate, dict):
        return _objects(control, candidate, location, context)
    if isinstance(control, list) and isinstance(candidate, list):
        return _lists(control, candidate, location, context)
    return control, reconcile_scalar(control, candidate, location, context)


def _objects(
    control: dict[str, Any], candidate: dict[str, Any], location: str, context: Context
) -> tuple[dict[str, Any], dict[str, Any]]:
    ours, theirs = {}, {}
    rest = dict(candidate)
    for key, value in control.items():
        their_key = key if key in rest else context.bindings.translate(key)
        if their_key in rest:
            ours[key], theirs[key] = reconcile(value, rest.pop(their_key), child(location, key), context)
        else:
            ours[key] = value
    return ours, theirs | rest


def _lists(control: list[Any], candidate: list[Any], location: str, context: Context) -> tuple[list[Any], list[Any]]:
    place = context.place(fold(location))
    if place is not None and place.kind is PlaceKind.DAYS and same_by_day(control, candidate, context.clock):
        return control, control
    ours: list[Any] = []
    theirs: list[Any] = []
    for at, (i, j, guessed) in enumerate(_pairs(control, candidate, location, context)):
        if i is None or j is None:
            ours.append(ABSENT if i is None else control[i])
            theirs.append(ABSENT if j is None else candidate[j])
        else:
            with context.bindings.guessing() if guessed else nullcontext():
                our_value, their_value = reconcile(control[i], candidate[j], child(location, at), context)
            ours.append(our_value)
            theirs.append(their_value)
    return ours, theirs


def _pairs(control: list[Any], candidate: list[Any], location: str, context: Context) -> list[Pair]:
    place = context.place(fold(location))
    kind = place.kind if place is not None else None
    if kind is not PlaceKind.UNORDERED and not _has_records(control, candidate):
        longest = max(len(control), len(candidate))
        return [Pair(i if i < len(control) else None, i if i < len(candidate) else None) for i in range(longest)]
    if kind is PlaceKind.CUT and len(control) == len(candidate):
        pairs = pair_records(control, candidate, location, context, _cut_by_chance(control, candidate, context))
    else:
        pairs = pair_records(control, candidate, location, context)
    if kind is not PlaceKind.UNORDERED:
        _check_order(pairs, control, candidate, location, context)
    return pairs


def _has_records(*lists: list[Any]) -> bool:
    return any(isinstance(value, dict | list) for values in lists for value in values)


def _cut_by_chance(control: list[Any], candidate: list[Any], context: Context) -> tuple[set[int], set[int]]:
    """The records of each list that share a second with the last one, where the other list may well have cut them.

    A fast replay squeezes seconds together, so control's record may lie in candidate's last second without being in
    control's own.
    """
    if not control:
        return set(), set()
    ours_last, theirs_last = dict(times_in(control[-1])), dict(times_in(candidate[-1]))

    def near(our_second: str, their_second: str | None) -> bool:
        return their_second is not None and context.clock.agrees(float(our_second), float(their_second), tolerance=1.0)

    ours, theirs = set(), set()
    for i, record in enumerate(control):
        if any(ours_last.get(p) == second or near(second, theirs_last.get(p)) for p, second in times_in(record)):
            ours.add(i)
    for j, record in enumerate(candidate):
        if any(theirs_last.get(p) == s or (p in ours_last and near(ours_last[p], s)) for p, s in times_in(record)):
            theirs.add(j)
    return ours, theirs


def _check_order(
    pairs: Sequence[Pair],
    control: list[Any],
    candidate: list[Any],
    location: str,
    context: Context,
) -> None:
    """Records may change places only with records of the same second, on either side."""
    both = [(i, j) for i, j, _ in pairs if i is not None and j is not None]
    if all(earlier[1] < later[1] for earlier, later in pairwise(both)):
        return
    ours = {i: times_in(control[i]) for i, _ in both}
    theirs = {j: times_in(candidate[j]) for _, j in both}
    for at, (i, j) in enumerate(both):
        for later_i, later_j in both[at + 1 :]:
            if later_j < j and not (ours[i] & ours[later_i] or theirs[j] & theirs[later_j]):
                context.note(location, Kind.ORDER, f"control's records {i} and {later_i} change places at candidate")
                return
