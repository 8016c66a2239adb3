"""Whether two single values say the same, up to bindings, clocks and what is known about the place."""

from __future__ import annotations

import re
from typing import Any

from migration.compare.bindings import Match
from migration.compare.context import Context
from migration.compare.database_errors import error_class
from migration.compare.locations import fold
from migration.compare.registry import Place, PlaceKind
from migration.compare.times import parse_time
from migration.compare.values import PieceKind, generated_values, pieces
from migration.compare.verdict import Difference, Kind

_WORD = re.compile(r"[^\s,;:(){}\[\]]+")
_ID_KEY = re.compile(r"(?:^|[._])(?:id|ids)(?:\[\])?$|[a-z]I[Dd]s?(?:\[\])?$")
_RUN = re.compile(r"[A-Za-z0-9_-]+")
_BETWEEN_RUNS = re.compile(r"[^A-Za-z0-9_-]+")
_DIGITS = re.compile(r"\d+")
_ONE_WORD = re.compile(r"\S{3,}")
_YEAR = 366 * 86_400.0


def reconcile_scalar(control: Any, candidate: Any, location: str, context: Context) -> Any:
    """Control's value if candidate's says the same, else candidate's value (and a note where there is more to say)."""
    if isinstance(control, str) and isinstance(candidate, str):
        return _text(control, candidate, location, context)
    if type(control) is type(candidate) and control == candidate:
        return control
    if _excused(control, candidate, location, context):
        return control
    if _same_form(control, candidate, location, context):
        return control
    if is_number(control) and is_number(candidate):
        return _number(control, candidate, location, context)
    return candidate


def _excused(control: Any, candidate: Any, location: str, context: Context) -> bool:
    """Whether the place is known to say nothing; what differs there is kept as noise."""
    place = context.place(fold(location))
    if place is None or place.kind is not PlaceKind.NOISE:
        return False
    context.noise.append(Difference(location, Kind.VALUE, control, candidate, place.reason))
    return True


def _same_form(control: Any, candidate: Any, location: str, context: Context) -> bool:
    place = context.place(fold(location))
    if place is None or place.kind is not PlaceKind.FORM or type(control) is not type(candidate):
        return False
    return is_number(control) or _DIGITS.sub("0", str(control)) == _DIGITS.sub("0", str(candidate))


def is_number(value: Any) -> bool:
    """A JSON number; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


# --- text -----------------------------------------------------------------------------------------------------------


def _text(control: str, candidate: str, location: str, context: Context) -> str:
    if control == candidate:
        return _same_text(control, location, context)
    if _excused(control, candidate, location, context):
        return control
    bound = context.bindings.candidate_of(control)
    if bound == candidate or _same_form(control, candidate, location, context):
        return control
    place = context.place(fold(location))
    if place is not None and place.kind is PlaceKind.UNORDERED and _words(control) == _words(candidate):
        return control
    if bound is None and (
        _same_pieces(control, candidate, location, context) or _same_runs(control, candidate, location, context)
    ):
        return control
    if location not in context.verdicts and _bind_whole(control, candidate, place, location, context):
        return control
    same_error = error_class(control)
    if same_error is not None and same_error == error_class(candidate):
        return control
    return candidate


def _same_text(text: str, location: str, context: Context) -> str:
    """Equal texts are the same, unless what they name stands for something else on the other side."""
    for value in {text, *generated_values(text)}:
        bound = context.bindings.candidate_of(value)
        if bound is not None and bound != value:
            context.note(location, Kind.BINDING, f"candidate answers control's own {value}, which is {bound} there")
            return f"{text} (control's own value)"
    context.bindings.identify(generated_values(text))
    if _ONE_WORD.fullmatch(text):
        context.bindings.both_say(text)
    return text


def _words(text: str) -> list[str]:
    return sorted(_WORD.findall(text))


def _same_pieces(control: str, candidate: str, location: str, context: Context) -> bool:
    """Whether the literal parts are equal, times are the same moment, and identifiers are bound to each other."""
    ours, theirs = pieces(control), pieces(candidate)
    if [piece.kind for piece in ours] != [piece.kind for piece in theirs]:
        return False
    pairs = list(zip(ours, theirs, strict=True))
    if any(a.text != b.text for a, b in pairs if a.kind is PieceKind.LITERAL):
        return False
    times = ((a.text, b.text) for a, b in pairs if a.kind is PieceKind.TIME)
    names = ((a.text, b.text) for a, b in pairs if a.kind is PieceKind.GENERATED)
    return all(_same_time(a, b, location, context) for a, b in times) and all(
        _bound(a, b, location, context) for a, b in names
    )


def _same_runs(control: str, candidate: str, location: str, context: Context) -> bool:
    """Whether two texts differ only in words that are bound, or that the server is known to make up."""
    if _BETWEEN_RUNS.findall(control) != _BETWEEN_RUNS.findall(candidate):
        return False
    pairs = [(a, b) for a, b in zip(_RUN.findall(control), _RUN.findall(candidate), strict=False) if a != b]
    known = all(
        context.bindings.candidate_of(a) == b or (context.is_made_up(a) and not context.bindings.is_common(b))
        for a, b in pairs
    )
    return bool(pairs) and known and all(_bound(a, b, location, context) for a, b in pairs)


def _same_time(control: str, candidate: str, location: str, context: Context) -> bool:
    ours, theirs = parse_time(control), parse_time(candidate)
    if ours is None or theirs is None:
        return control == candidate
    if ours.form != theirs.form:
        context.note(location, Kind.TIME, "the times are written in different forms")
        return False
    if ours.epoch == theirs.epoch or context.clock.agrees(ours.epoch, theirs.epoch, ours.grain):
        return True
    ours_from_request, theirs_from_request = ours.epoch - context.control_sent, theirs.epoch - context.candidate_sent
    context.note(
        location,
        Kind.TIME,
        f"{ours_from_request:+.0f} s from control's request, {theirs_from_request:+.0f} s from candidate's",
    )
    return False


def _bound(control: str, candidate: str, location: str, context: Context) -> bool:
    if context.bindings.match(control, candidate) is not Match.CONFLICT:
        return True
    expected, meant = context.bindings.candidate_of(control), context.bindings.control_of(candidate)
    told = f"{control} is {expected or 'not known'} at candidate"
    context.note(
        location, Kind.BINDING, f"{told}; what it answers stands for {meant or 'nothing control has answered'}"
    )
    return False


def _bind_whole(control: str, candidate: str, place: Place | None, location: str, context: Context) -> bool:
    """Bind two texts of unknown form where something tells that they are identifiers."""
    hinted = place is not None and context.knowledge.is_hint(place)
    evident = context.is_made_up(control, place) and (hinted or not context.bindings.is_common(candidate))
    if evident or context.bindings.candidate_of(control) is not None:
        return _bound(control, candidate, location, context)
    common = context.bindings.is_common(control) or context.bindings.is_common(candidate)
    if context.learning and not common and _ONE_WORD.fullmatch(control) and _ONE_WORD.fullmatch(candidate):
        if context.bindings.match(control, candidate) is Match.CONFLICT:
            return False
        context.knowledge.learn_generated(context.route, fold(location))
        return True
    return False


# --- numbers --------------------------------------------------------------------------------------------------------


def _number(control: float, candidate: float, location: str, context: Context) -> Any:
    folded = fold(location)
    place = context.place(folded)
    if place is not None and place.kind is PlaceKind.ELAPSED:
        return control if _same_elapsed(control, candidate, place, context) else candidate
    if type(control) is not type(candidate):
        return candidate
    if place is not None and place.kind is PlaceKind.POSITION:
        return control
    scope = scope_of(place, context.route, folded)
    numbers = isinstance(control, int) and _numbers_something(scope, place, folded, context)
    if numbers and isinstance(control, int) and isinstance(candidate, int):
        if context.bindings.match_number(scope, control, candidate) is not Match.CONFLICT:
            if context.learning:
                context.knowledge.learn_generated(context.route, folded)
            return control
        expected = context.bindings.number_of(scope, control)
        context.note(location, Kind.BINDING, f"{scope} {control} is {expected or 'not known'} at candidate")
        return candidate
    return control if _same_epoch(control, candidate, context) else candidate


def _same_elapsed(control: float, candidate: float, place: Place, context: Context) -> bool:
    began = context.control_sent - control * place.unit
    return context.clock.agrees(began, context.candidate_sent - candidate * place.unit, max(1.0, place.unit))


def _numbers_something(scope: str, place: Place | None, folded: str, context: Context) -> bool:
    """Whether whole numbers at this place are identifiers, and not counts."""
    if place is not None and place.kind is PlaceKind.GENERATED:
        return True
    return _ID_KEY.search(folded) is not None and (context.learning or context.knowledge.is_numbered(scope))


def _same_epoch(control: float, candidate: float, context: Context) -> bool:
    """Seconds or milliseconds since the epoch, near the time of their requests."""
    for unit in (1.0, 1000.0):
        ours, theirs = control / unit, candidate / unit
        if abs(ours - context.control_sent) < _YEAR and abs(theirs - context.candidate_sent) < _YEAR:
            return context.clock.agrees(ours, theirs)
    return False


def scope_of(place: Place | None, route: str, folded: str) -> str:
    """What a number at this place numbers: what is known about it, or what its name tells."""
    return place.scope if place is not None and place.scope else number_scope(route, folded)


def number_scope(route: str, folded: str) -> str:
    """What a number at this place numbers: ``user`` for ``user_id`` and ``users[].id``, else the route's noun."""
    keys = [key for key in re.split(r"[.\[\]]+", folded) if key and key != "body"]
    last = re.sub(r"_?[iI][dD]s?$", "", keys[-1]) if keys else ""
    if last:
        return singular(last)
    if len(keys) > 1:
        return singular(keys[-2])
    nouns = [part for part in route.partition(" ")[2].split("/") if part and not part.startswith("<")]
    return singular(nouns[-1]) if nouns else ""


def singular(noun: str) -> str:
    return noun.lower().removesuffix("s")
