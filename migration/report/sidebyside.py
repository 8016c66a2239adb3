"""Two answers beside each other, line by line, as rows of a table.

JSON is aligned by the place of each line in the document, not by its text, so that a value that changed stands beside
the value that it was. Which lines count as different is the comparison's word, not this module's.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Any

from migration.compare.locations import child
from migration.recording.exchange import Headers
from migration.report.content import Form
from migration.report.model import Body, Detail
from migration.report.text import Change, changed, printable, shorten

_LINE_CHARACTERS = 400
_CONTEXT = 3
#: Equal lines beyond this many in a row are only counted.
_FOLDED_ROWS = 120


class State(enum.StrEnum):
    """Why a row looks as it does; EXPLAINED: the texts differ, the meaning does not (bound ids, times)."""

    SAME = "same"
    DIFFERENT = "different"
    ACCEPTED = "accepted"
    NOISE = "noise"
    EXPLAINED = "explained"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of both sides, None where a side has none. A :class:`Change` shows which part differs."""

    state: State
    control: Change | None
    candidate: Change | None


@dataclass(frozen=True, slots=True)
class Block:
    """Rows in order. ``folded`` ones need a click; ``omitted`` rows are not there at all."""

    rows: tuple[Row, ...]
    folded: bool = False
    omitted: int = 0


@dataclass(frozen=True, slots=True)
class _Line:
    place: str
    key: str  # equal for lines that belong together
    text: str
    comma: str = ""


class Places:
    """The locations of an exchange that count as different, accepted or noise."""

    def __init__(self, detail: Detail) -> None:
        self._marks = (
            [(State.DIFFERENT, finding.location) for finding in detail.findings]
            + [(State.ACCEPTED, location) for location in detail.accepted_places]
            + [(State.NOISE, location) for location in detail.noise_places]
        )

    def state(self, place: str, same: bool) -> State:
        for state, location in self._marks:
            if place == location or (not same and place.startswith((f"{location}.", f"{location}["))):
                return state
        return State.SAME if same else State.EXPLAINED


def body_blocks(control: Body, candidate: Body, places: Places) -> list[Block]:
    """Both bodies as blocks of rows, long equal stretches folded. A binary body has no rows."""
    if control.form is candidate.form is Form.JSON and not control.cut and not candidate.cut:
        left, right = _json_lines(control.text), _json_lines(candidate.text)
    else:
        left, right = _text_lines(control.text), _text_lines(candidate.text)
    rows = [_row(one, other, places) for one, other in _aligned(left, right)]
    return list(_folded(rows))


def header_rows(control: Headers, candidate: Headers, places: Places) -> list[tuple[str, Row]]:
    """Both sides' headers by name, names that repeat in their order."""
    left, right = _by_name(control), _by_name(candidate)
    rows = []
    for name in dict.fromkeys((*left, *right)):
        ones, others = left.get(name, []), right.get(name, [])
        for position in range(max(len(ones), len(others))):
            pair = [
                _Line(f"header.{name}", name, values[position]) if position < len(values) else None
                for values in (ones, others)
            ]
            rows.append((name, _row(pair[0], pair[1], places)))
    return rows


def _by_name(headers: Headers) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name.lower(), []).append(value)
    return found


def _row(control: _Line | None, candidate: _Line | None, places: Places) -> Row:
    place = (control or candidate or _Line("", "", "")).place
    if control is None or candidate is None or control.text == candidate.text:
        same = control is not None and candidate is not None
        return Row(places.state(place, same), _whole(control), _whole(candidate))
    one, other = changed(printable(control.text), printable(candidate.text), _LINE_CHARACTERS)
    one, other = one._replace(after=one.after + control.comma), other._replace(after=other.after + candidate.comma)
    return Row(places.state(place, False), one, other)


def _whole(line: _Line | None) -> Change | None:
    return None if line is None else Change(shorten(printable(line.text + line.comma), _LINE_CHARACTERS), "", "")


def _text_lines(text: str) -> list[_Line]:
    return [_Line("body", line, line) for line in text.splitlines()]


def _json_lines(text: str) -> list[_Line]:
    return list(_walk(json.loads(text), "body", "", "", ""))


def _walk(value: Any, place: str, indent: str, label: str, comma: str) -> Iterator[_Line]:
    """The lines of pretty JSON."""
    members: list[tuple[str, str, Any]]
    if isinstance(value, dict):
        opening, closing = "{", "}"
        members = [(child(place, key), f"{_dumps(key)}: ", item) for key, item in value.items()]
    elif isinstance(value, list):
        opening, closing = "[", "]"
        members = [(child(place, index), "", item) for index, item in enumerate(value)]
    else:
        yield _Line(place, f"{place} value", f"{indent}{label}{_dumps(value)}", comma)
        return
    if not members:
        yield _Line(place, f"{place} value", f"{indent}{label}{opening}{closing}", comma)
        return
    yield _Line(place, f"{place} value", f"{indent}{label}{opening}")
    for position, (at, name, item) in enumerate(members, start=1):
        yield from _walk(item, at, indent + "  ", name, "," if position < len(members) else "")
    yield _Line(place, f"{place} close", f"{indent}{closing}", comma)


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _aligned(left: Sequence[_Line], right: Sequence[_Line]) -> Iterator[tuple[_Line | None, _Line | None]]:
    matcher = SequenceMatcher(None, [line.key for line in left], [line.key for line in right], autojunk=False)
    for tag, start, end, other_start, other_end in matcher.get_opcodes():
        ones, others = left[start:end], right[other_start:other_end]
        if tag == "equal":
            yield from zip(ones, others, strict=True)
            continue
        # Lines of text that were replaced stand beside each other; places that only one side has stand alone.
        paired = min(len(ones), len(others)) if all(line.place == "body" for line in (*ones, *others)) else 0
        yield from zip(ones[:paired], others[:paired], strict=True)
        yield from ((line, None) for line in ones[paired:])
        yield from ((None, line) for line in others[paired:])


def _folded(rows: Sequence[Row]) -> Iterator[Block]:
    runs: Iterable[tuple[bool, list[Row]]] = (
        (quiet, list(run)) for quiet, run in groupby(rows, key=lambda row: row.state in (State.SAME, State.EXPLAINED))
    )
    seen = 0
    for quiet, run in runs:
        head = _CONTEXT if seen else 0
        tail = _CONTEXT if seen + len(run) < len(rows) else 0
        seen += len(run)
        hidden = len(run) - head - tail
        if not quiet or hidden <= 2 * _CONTEXT:
            yield Block(tuple(run))
            continue
        if head:
            yield Block(tuple(run[:head]))
        yield Block(tuple(run[head : head + min(hidden, _FOLDED_ROWS)]), True, max(hidden - _FOLDED_ROWS, 0))
        if tail:
            yield Block(tuple(run[len(run) - tail :]))
