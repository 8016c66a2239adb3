"""The registry: what is known beforehand about differences, in TOML files that a product owner can read.

``[[rule]]`` accepts a difference: ``route``, ``location``, ``change``, ``reason``, ``owner``, ``expires`` (a date, or
``permanent``); optional ``kind``, ``recording`` (a name with ``*``), ``when`` (``recording``, ``live`` or ``always``:
what control is), and ``control`` / ``candidate``: the value on that side, in which ``*`` stands for anything (what
isn't text is written as compact JSON with sorted keys).

``[[place]]`` tells how a place is to be compared: ``route``, ``location``, ``reason``, and ``is``, one of
:class:`PlaceKind`; ``unit`` (seconds) for elapsed times.

Both may be about the databases instead: ``table`` and ``column`` stand in place of ``route`` and ``location``, and a
rule with ``row = "missing"`` or ``"added"`` is about whole rows. What is about routes never fits a table, nor the
reverse.
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
from migration.compare.verdict import Difference, Kind, RowDifference, Rule

PERMANENT = "permanent"
_ANSWERS = {"route", "location"}
_ROWS = {"table", "column"}
_RULE_KEYS = {"change", "reason", "owner", "expires"}
_RULE_OPTIONS = {"kind", "recording", "control", "candidate"}
_PLACE_KEYS = {"is", "reason"}
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
    DAYS = "days"  # a list of counts, one record a day: at another time of day what happened falls on other days
    POSITION = "position"  # the record's own place in its list


#: What can be said about a column.
_COLUMN_KINDS = (PlaceKind.NOISE, PlaceKind.FORM, PlaceKind.ELAPSED, PlaceKind.GENERATED)


@dataclass(frozen=True, slots=True)
class Place:
    """Knowledge about one place of one route, or of one table (see :func:`table_route` and :func:`column_location`).

    ``scope`` names what generated whole numbers number, where the place itself doesn't tell.
    """

    route: str
    location: str
    kind: PlaceKind
    reason: str
    unit: float = 1.0
    scope: str = ""


def table_route(table: str) -> str:
    """What stands for a route when rows of ``table`` are compared."""
    return f"table {table}"


def column_location(column: str) -> str:
    """What stands for a location when values of ``column`` are compared."""
    return f"row.{column}"


@dataclass(frozen=True, slots=True)
class Registry:
    """Rules and places of all files, in order. The first rule that fits explains a difference.

    ``places`` are those of routes, ``columns`` those of tables.
    """

    rules: tuple[Rule, ...] = ()
    places: tuple[Place, ...] = ()
    columns: tuple[Place, ...] = ()

    def explain(self, route: str, recording: str, live: bool, difference: Difference) -> Rule | None:
        """The rule in force that accepts ``difference``, or None."""
        today = datetime.now(UTC).date()
        for rule in self.rules:
            if (
                not rule.table
                and route_matches(rule.route, route)
                and location_matches(rule.location, difference.location)
                and rule.when in ("always", "live" if live else "recording")
                and _accepts(rule, recording, difference, today)
            ):
                return rule
        return None

    def explain_row(self, recording: str, difference: RowDifference) -> Rule | None:
        """The rule in force that accepts what differs between the databases after ``recording``, or None."""
        today = datetime.now(UTC).date()
        for rule in self.rules:
            if (
                rule.table
                and glob(rule.table).fullmatch(difference.table)
                and rule.row == difference.row
                and (difference.row or location_matches(rule.column, difference.column))
                and _accepts(rule, recording, difference, today)
            ):
                return rule
        return None


def _accepts(rule: Rule, recording: str, difference: Difference | RowDifference, today: date) -> bool:
    return (
        route_matches(rule.recording, recording)
        and (rule.kind is None or rule.kind == difference.kind)
        and _value_matches(rule.control, difference.control)
        and _value_matches(rule.candidate, difference.candidate)
        and not is_expired(rule, today)
    )


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
    columns: list[Place] = []
    for path in map(Path, paths):
        document = _load(path)
        for unknown in document.keys() - {"rule", "place"}:
            raise RegistryError(f"{path}: [[{unknown}]] is unknown; entries are [[rule]] and [[place]].")
        rules += [_rule(path, number, entry) for number, entry in enumerate(document.get("rule", ()), 1)]
        for number, entry in enumerate(document.get("place", ()), 1):
            (columns if "table" in entry else places).append(_place(path, number, entry))
    return Registry(tuple(rules), tuple(places), tuple(columns))


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
    if "table" in entry:
        entry = _row_rule(where, entry)
    else:
        _check_keys(where, entry, _ANSWERS | _RULE_KEYS, _RULE_OPTIONS | {"when"})
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


def _row_rule(where: str, entry: dict[str, Any]) -> dict[str, Any]:
    needed = {"table"} if "row" in entry else _ROWS
    _check_keys(where, entry, needed | _RULE_KEYS, _RULE_OPTIONS | {"column", "row"})
    if entry.get("row", Kind.MISSING) not in (Kind.MISSING, Kind.ADDED):
        raise RegistryError(f"{where}: row must be missing or added.")
    return {"route": "", "location": "", "column": "*"} | entry


def _place(path: Path, number: int, entry: dict[str, Any]) -> Place:
    where = f"{path}: place {number}"
    about = _ROWS if "table" in entry else _ANSWERS
    _check_keys(where, entry, about | _PLACE_KEYS, _PLACE_OPTIONS)
    kinds: Iterable[PlaceKind] = _COLUMN_KINDS if "table" in entry else PlaceKind
    if entry["is"] not in set(kinds):
        raise RegistryError(f"{where}: is must be one of {', '.join(kinds)}.")
    route, location = entry.get("route", ""), entry.get("location", "")
    if "table" in entry:
        route, location = table_route(entry["table"]), column_location(entry["column"])
    return Place(route, location, PlaceKind(entry["is"]), entry["reason"], entry.get("unit", 1.0))
