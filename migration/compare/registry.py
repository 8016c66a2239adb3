"""The registry: what is known beforehand about differences, in TOML files that a product owner can read.

``[[rule]]`` accepts a difference: ``route``, ``location``, ``change``, ``reason``, ``owner``, ``expires`` (a date, or
``permanent``); optional ``kind``, ``recording`` (a name with ``*``), ``when`` (``recording``, ``live`` or ``always``:
what control is), and ``control`` / ``candidate``: the value on that side, in which ``*`` stands for anything (what
isn't text is written as compact JSON with sorted keys).

``[[place]]`` tells how a place is to be compared: ``route``, ``location``, ``reason``, and ``is``, one of
:class:`PlaceKind`; ``unit`` (seconds) for elapsed times.
"""

from __future__ import annotations

import enum
import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from migration.compare.locations import glob, location_matches, route_matches
from migration.compare.verdict import Difference, Rule

PERMANENT = "permanent"
_RULE_KEYS = {"route", "location", "change", "reason", "owner", "expires"}
_RULE_OPTIONS = {"kind", "recording", "when", "control", "candidate"}
_PLACE_KEYS = {"route", "location", "is", "reason"}
_PLACE_OPTIONS = {"unit"}


class RegistryError(Exception):
    """A registry file can't be used; the text is one sentence for the user."""


class PlaceKind(enum.StrEnum):
    GENERATED = "generated"  # an identifier, whatever it looks like: bind it
    NOISE = "noise"  # says nothing: never compared
    FORM = "form"  # any value of the same form: a text with other numbers in it, another number of the same type
    ELAPSED = "elapsed"  # time gone by since an event, in units of `unit` seconds
    UNORDERED = "unordered"  # a list, or words in a text, that come in any order
    CUT = "cut"  # a list cut at a limit: which rows of its last second made it says nothing
    POSITION = "position"  # the record's own place in its list


@dataclass(frozen=True, slots=True)
class Place:
    """Knowledge about one place of one route."""

    route: str
    location: str
    kind: PlaceKind
    reason: str
    unit: float = 1.0


@dataclass(frozen=True, slots=True)
class Registry:
    """Rules and places of all files, in order. The first rule that fits explains a difference."""

    rules: tuple[Rule, ...] = ()
    places: tuple[Place, ...] = ()

    def explain(self, route: str, recording: str, live: bool, difference: Difference) -> Rule | None:
        """The rule in force that accepts ``difference``, or None."""
        today = datetime.now(UTC).date()
        for rule in self.rules:
            if (
                route_matches(rule.route, route)
                and location_matches(rule.location, difference.location)
                and rule.when in ("always", "live" if live else "recording")
                and route_matches(rule.recording, recording)
                and (rule.kind is None or rule.kind == difference.kind)
                and _value_matches(rule.control, difference.control)
                and _value_matches(rule.candidate, difference.candidate)
                and not is_expired(rule, today)
            ):
                return rule
        return None


def is_expired(rule: Rule, today: date) -> bool:
    return rule.expires != PERMANENT and date.fromisoformat(rule.expires) < today


def _value_matches(pattern: str | None, value: Any) -> bool:
    return pattern is None or glob(pattern).fullmatch(written(value)) is not None


def written(value: Any) -> str:
    """A value as rules write it: text as it is, anything else as compact JSON with sorted keys."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))


def read_registry(paths: Iterable[Path | str]) -> Registry:
    """Read registry files. Raises :class:`RegistryError` naming the file, the entry and what is wrong with it."""
    rules: list[Rule] = []
    places: list[Place] = []
    for path in map(Path, paths):
        document = _load(path)
        for unknown in document.keys() - {"rule", "place"}:
            raise RegistryError(f"{path}: [[{unknown}]] is unknown; entries are [[rule]] and [[place]].")
        rules += [_rule(path, number, entry) for number, entry in enumerate(document.get("rule", ()), 1)]
        places += [_place(path, number, entry) for number, entry in enumerate(document.get("place", ()), 1)]
    return Registry(tuple(rules), tuple(places))


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise RegistryError(f"{path} can't be read: {error.strerror or error}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RegistryError(f"{path} is not TOML: {error}.") from error


def _check_keys(where: str, entry: dict[str, Any], needed: set[str], optional: set[str]) -> None:
    missing, unknown = needed - entry.keys(), entry.keys() - needed - optional
    if missing:
        raise RegistryError(f"{where} lacks {', '.join(sorted(missing))}.")
    if unknown:
        raise RegistryError(f"{where} has unknown keys: {', '.join(sorted(unknown))}.")


def _rule(path: Path, number: int, entry: dict[str, Any]) -> Rule:
    where = f"{path}: rule {number}"
    _check_keys(where, entry, _RULE_KEYS, _RULE_OPTIONS)
    if entry.get("when", "always") not in ("recording", "live", "always"):
        raise RegistryError(f"{where}: when must be recording, live or always.")
    expires = str(entry["expires"])
    values = {side: written(entry[side]) for side in ("control", "candidate") if side in entry}
    try:
        if expires != PERMANENT:
            date.fromisoformat(expires)
    except ValueError as error:
        raise RegistryError(f"{where}: expires must be YYYY-MM-DD or {PERMANENT} ({error}).") from error
    return Rule(**(entry | values | {"expires": expires}), source=str(path))


def _place(path: Path, number: int, entry: dict[str, Any]) -> Place:
    where = f"{path}: place {number}"
    _check_keys(where, entry, _PLACE_KEYS, _PLACE_OPTIONS)
    fields = {key: value for key, value in entry.items() if key != "is"}
    try:
        return Place(kind=PlaceKind(entry["is"]), **fields)
    except ValueError as error:
        raise RegistryError(f"{where}: is must be one of {', '.join(PlaceKind)}.") from error
