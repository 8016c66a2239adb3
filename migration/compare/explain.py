"""Explaining what differs between two JSON values that were reconciled and are still not the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deepdiff import DeepDiff

from migration.compare.locations import child
from migration.compare.reconcile import ABSENT, same
from migration.compare.verdict import MISSING, Difference, Kind

_KINDS = {
    "values_changed": Kind.VALUE,
    "type_changes": Kind.TYPE,
    "dictionary_item_removed": Kind.MISSING,
    "dictionary_item_added": Kind.ADDED,
    "iterable_item_removed": Kind.MISSING,
    "iterable_item_added": Kind.ADDED,
}


def explain(control: Any, candidate: Any, location: str, verdicts: dict[str, tuple[Kind, str]]) -> Iterator[Difference]:
    """The differences between two values that are not the same; ``verdicts`` knows better why, for some locations."""
    if isinstance(control, dict) and isinstance(candidate, dict) and control.keys() == candidate.keys():
        for key, value in control.items():
            if not same(value, candidate[key]):
                yield from explain(value, candidate[key], child(location, key), verdicts)
        return
    if isinstance(control, list) and isinstance(candidate, list) and len(control) == len(candidate):
        for at, (ours, theirs) in enumerate(zip(control, candidate, strict=True)):
            if not same(ours, theirs):
                yield from explain(ours, theirs, child(location, at), verdicts)
        return
    yield from _differences(control, candidate, location, verdicts)


def _differences(
    control: Any, candidate: Any, location: str, verdicts: dict[str, tuple[Kind, str]]
) -> Iterator[Difference]:
    """DeepDiff's findings on the smallest subtree that differs, in our words."""
    if control is ABSENT or candidate is ABSENT:
        yield _difference(Kind.VALUE, control, candidate, location, verdicts)
        return
    found = DeepDiff(control, candidate, view="tree", verbose_level=2, zip_ordered_iterables=True)
    for report, levels in found.items():
        for level in levels:
            place = location
            for key in level.path(output_format="list"):
                place = child(place, key)
            kind = _KINDS[report]
            ours = ABSENT if kind is Kind.ADDED else level.t1
            theirs = ABSENT if kind is Kind.MISSING else level.t2
            yield _difference(kind, ours, theirs, place, verdicts)


def _difference(
    kind: Kind, control: Any, candidate: Any, location: str, verdicts: dict[str, tuple[Kind, str]]
) -> Difference:
    if control is ABSENT:
        return Difference(location, Kind.ADDED, MISSING, _filled(candidate))
    if candidate is ABSENT:
        return Difference(location, Kind.MISSING, _filled(control), MISSING)
    kind, detail = verdicts.get(location, (kind, ""))
    return Difference(location, kind, _filled(control), _filled(candidate), detail)


def _filled(value: Any) -> Any:
    """``value`` without the gaps that reconciling left in its lists."""
    if isinstance(value, dict):
        return {key: _filled(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_filled(member) for member in value if member is not ABSENT]
    return value
