"""The tool's table in the file of settings, ``[cutover]``: what it says counts where the environment is silent.

The file is the one that ``CUTOVER_CONFIG`` names, in TOML. ``upstream = "http://127.0.0.1:5000"`` in it stands for the
environment variable ``CUTOVER_UPSTREAM``. Its other tables belong to others.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from migration.ledger.schema import DEFAULT_LEDGER_URL
from migration.proxy.settings import ProxySettings, SettingsError

FILE_VARIABLE = "CUTOVER_CONFIG"
TABLE = "cutover"
_PREFIX = "CUTOVER_"
#: What is in force where nobody says anything; the proxy's settings have their own defaults.
DEFAULTS: Mapping[str, str] = {
    "CUTOVER_DOMAIN": "spot",
    "CUTOVER_DOMAINS": "",
    "CUTOVER_UPSTREAM": "",
    "CUTOVER_LEDGER_URL": DEFAULT_LEDGER_URL,
    **{f"{_PREFIX}{setting.name.upper()}": str(setting.default).lower() for setting in fields(ProxySettings)},
}


@dataclass(frozen=True)
class Origin:
    """A setting in force: its text, and where that comes from."""

    variable: str
    text: str
    source: str


@dataclass(frozen=True)
class Configuration:
    """``environment`` is the given one, filled up from the file; ``places`` says of what it was filled up with where
    it stands.
    """

    environment: Mapping[str, str]
    places: Mapping[str, str] = field(default_factory=dict)

    def origins(self) -> list[Origin]:
        """Every setting of the tool, and where it comes from."""
        found = []
        for variable, default in DEFAULTS.items():
            given = variable in self.environment
            source = self.places.get(variable, variable) if given else "default"
            found.append(Origin(variable, self.environment[variable] if given else default, source))
        return found

    def in_place(self, complaint: str) -> str:
        """``complaint`` about a variable, with the place in the file where that is what it is about."""
        for variable, place in self.places.items():
            if complaint.startswith(f"{variable} "):
                return f"{place}{complaint.removeprefix(variable)}"
        return complaint


def configuration(environ: Mapping[str, str]) -> Configuration:
    """Read the file that ``environ`` names, if it names one. Raises :class:`SettingsError`."""
    name = environ.get(FILE_VARIABLE, "").strip()
    if not name:
        return Configuration(environ)
    given: dict[str, str] = {}
    places: dict[str, str] = {}
    for key, value in _table(name).items():
        variable, place = f"{_PREFIX}{key.upper()}", f"{key} in [{TABLE}] of {name}"
        if key != key.lower() or variable not in DEFAULTS:
            raise SettingsError(f"{place} is not known{_did_you_mean(key)}")
        if not environ.get(variable, "").strip():
            given[variable], places[variable] = _text(value, place), place
    return Configuration({**environ, **given}, places)


def _table(name: str) -> Mapping[str, Any]:
    try:
        table = tomllib.loads(Path(name).read_text(encoding="utf-8")).get(TABLE, {})
    except OSError as error:
        raise SettingsError(f"{FILE_VARIABLE} names {name}, which can't be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{FILE_VARIABLE} names {name}, which is not TOML: {error}.") from None
    if not isinstance(table, dict):
        raise SettingsError(f"{TABLE} in {name} must be a table.")
    return table


def _text(value: object, place: str) -> str:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ",".join(value)
    if not isinstance(value, str | int | float):
        raise SettingsError(f"{place} must be a text, a number, true or false, or a list of texts.")
    return str(value).lower() if isinstance(value, bool) else str(value).strip()


def _did_you_mean(key: str) -> str:
    known = [variable.removeprefix(_PREFIX).lower() for variable in DEFAULTS]
    close = get_close_matches(key.lower(), known, 1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else "."
